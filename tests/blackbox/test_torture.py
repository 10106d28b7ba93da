"""Two hundred connections at a time that behave as badly as they may, and nothing lost, doubled, mixed up or kept."""
import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from configuration import config
from environment import PATIENCE_S, SEED, scaled, wait_until
from gateway import Lines
from programs import torture

CONCURRENT = 200
CONVERSATIONS = scaled(4_000, 800)
ENDS_WITHIN_S = scaled(90, 400)
PENDING_BYTES_MAX = 256 * 1024  # what may wait for one reader
BLOCK_BYTES = 256 * 1024        # of the memory for what waits; a worker keeps one with room


class TortureServer:
    name = "torture"

    def __init__(self, address):
        self._process = subprocess.Popen([sys.executable, "-I", "-S", Path(torture.__file__), address],
                                         stdout=subprocess.PIPE, text=True)
        self.address = self._process.stdout.readline().strip()
        self._lines = Lines(self._process.stdout)

    def entry(self):
        return {"name": self.name, "address": self.address}

    def outcomes(self):
        """{seed: outcome} of the conversations that have ended here."""
        outcomes = [torture.Outcome(**json.loads(line)) for line in self._lines.all()]
        return {each.seed: each for each in outcomes}

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._lines.close()


async def hold_conversations(gateway, seeds):
    """All of them, so many at a time. Returns {seed: outcome}, and the most that waited in the gateway meanwhile."""
    outcomes, left, pending_bytes = {}, iter(seeds), [0]

    async def hold_some():
        for seed in left:
            outcomes[seed] = await torture.converse_with(gateway.address(), seed)

    async def watch():
        while True:
            pending_bytes.append(await asyncio.to_thread(gateway.metric, "holdfast_memory_bytes", part="pending_bytes"))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    await asyncio.wait_for(asyncio.gather(*(hold_some() for _ in range(CONCURRENT))), ENDS_WITHIN_S)
    watching.cancel()
    return outcomes, max(pending_bytes)


def check_stream(plan, sending, sent, receiving, what):
    """`receiving` (an Outcome) got what `sending` (a Side) sent: all of it in an orderly conversation, else a part."""
    where = f"{what} of conversation {plan.seed} ({plan.ending})"
    assert receiving.checksum == sending.checksum_of_first(receiving.received), f"changed bytes {where}"
    if plan.orderly:
        assert sent == sending.size, f"not all was sent {where}"
        assert receiving.received == sending.size, f"lost bytes {where}"
        assert receiving.end_came and not receiving.broken, f"no orderly end {where}"
    else:
        assert receiving.received <= sending.size, f"too many bytes {where}"


def check_conversation(plan, at_client, at_server):
    if at_server is None:
        assert plan.ending == "client_resets", f"the server never heard of conversation {plan.seed} ({plan.ending})"
        return
    check_stream(plan, plan.client, at_client.sent, at_server, "to the server")
    check_stream(plan, plan.server, at_server.sent, at_client, "to the client")
    assert at_server.broken == (plan.ending == "client_resets"), f"at the server: {plan.seed} ({plan.ending})"
    assert at_client.broken == (plan.ending == "server_resets"), f"at the client: {plan.seed} ({plan.ending})"


@pytest.mark.slow
@pytest.mark.torture
@pytest.mark.parametrize("workers, sockets", [(1, "tcp"), (2, "tcp"), (2, "unix")])
def test_200_concurrent_connections_of_every_kind_of_misbehaviour(run, resources, directory, workers, sockets):
    print(f"HOLDFAST_SEED={SEED}")
    seeds = random.Random(SEED).sample(range(1 << 62), CONVERSATIONS)
    plans = {seed: torture.Plan(seed) for seed in seeds}
    at, bind = "127.0.0.1:0", "127.0.0.1:0"
    if sockets == "unix":  # which know no reset
        at, bind = f"unix:{directory}/server.sock", f"unix:{directory}/listener.sock"
        plans = {seed: plan for seed, plan in plans.items() if plan.orderly}
    server = TortureServer(at)
    resources.callback(server.close)
    gateway = run("run", config(listener=dict(bind=[bind]), pool=dict(servers=[server]), node=dict(workers=workers)))
    descriptors = gateway.descriptors()

    at_client, pending_bytes_max = asyncio.run(hold_conversations(gateway, plans))

    assert pending_bytes_max > 0, "back-pressure was never needed"
    assert pending_bytes_max <= 2 * CONCURRENT * PENDING_BYTES_MAX + workers * BLOCK_BYTES
    gateway.wait_metric("holdfast_connections", 0)
    must_be_told = {seed for seed, plan in plans.items() if plan.ending != "client_resets"}
    wait_until(lambda: must_be_told <= server.outcomes().keys(), "the server has ended every conversation")
    at_server = server.outcomes()
    for seed, plan in plans.items():
        check_conversation(plan, at_client[seed], at_server.get(seed))
    lines = gateway.wait_ended(count=len(plans))
    check_accounts(gateway.metrics(), lines, plans.values())
    wait_until(lambda: gateway.descriptors() <= descriptors, "every descriptor is closed")


def check_accounts(page, lines, plans):
    """What the gateway says about the conversations is what happened, to the byte."""
    assert page.value("holdfast_server_connections") == 0
    assert page.value("holdfast_connections_total") == len(plans)
    closed = page.by("reason", "holdfast_closed_total")
    endings = Counter(plan.ending for plan in plans)
    assert sum(closed.values()) == len(plans)
    assert closed["client_reset"] == endings["client_resets"]
    assert closed["server_reset"] == endings["server_resets"]
    assert closed["client_closed"] + closed["server_closed"] == sum(plan.orderly for plan in plans)
    assert closed["client_closed"] >= endings["client_half_closes"]
    assert closed["server_closed"] >= endings["server_half_closes"]
    assert Counter(line["reason"] for line in lines) == {reason: n for reason, n in closed.items() if n}
    orderly = [line for line in lines if line["reason"] in ("client_closed", "server_closed")]
    assert sum(line["bytes_to_server"] for line in orderly) == sum(
        torture.SEED.size + plan.client.size for plan in plans if plan.orderly)
    assert sum(line["bytes_to_client"] for line in orderly) == sum(plan.server.size for plan in plans if plan.orderly)
    for direction in ("to_server", "to_client"):
        assert page.value("holdfast_relayed_bytes_total", direction=direction) == sum(
            line[f"bytes_{direction}"] for line in lines)
    workers = page.by("worker", "holdfast_memory_bytes", part="pending_bytes")
    assert all(held <= BLOCK_BYTES for held in workers.values()), workers
    assert page.value("holdfast_notices_dropped_total") + page.value("holdfast_log_lines_dropped_total") == 0
