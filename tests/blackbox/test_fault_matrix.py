"""What clients feel when a server fails: every kind of failure, with every policy, beside two servers that are well.

The measured times are printed after the tests, and written where HOLDFAST_FAULTS says:

    HOLDFAST_FAULTS=bench/FAULTS.md /usr/bin/python3 -m pytest tests/blackbox/test_fault_matrix.py -q
"""
import datetime
import errno
import selectors
import socket
import time

import pytest

import peers
from configuration import config
from environment import PATIENCE_S, scaled, undisturbed

POLICIES = ("round_robin", "least_connections", "random", "random_two", "first", "hash")
INTERVAL_S, FAST_S, TIMEOUT_S, FALL = 0.2, 0.05, 0.3, 3
HEALTH = dict(type="script", interval="200ms", fast_interval="50ms", timeout="300ms", fall=FALL,
              step=[dict(send="ping"), dict(expect="ping")])
# How long what the log says may take to reach the workers when the machine is busy with something else.
SLACK_S = scaled(0.5, 3)
PAUSE_S = 0.02  # between two clients of a policy

FAULTS = {
    "kill -9": lambda victim: victim.kill(),
    "SIGSTOP": lambda victim: victim.stop(),
    "refuses from the start": None,
    "accepts, is silent": lambda victim: victim.restart(mode="sink"),
    "resets after accept": lambda victim: victim.restart(mode="resetter"),
    "accepts and closes": lambda victim: victim.restart(mode="closer"),
}
REFUSES = ("kill -9", "refuses from the start")
STANDS_STILL = ("SIGSTOP", "accepts, is silent")


class Attempt:
    """A client that connects, says something, and waits for its server to say its name."""

    def __init__(self, address, source):
        self.began, self.took_s, self.outcome = time.time(), None, "hanging"
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((source, 0))
        assert self.socket.connect_ex(peers.socket_address(address)[1]) in (0, errno.EINPROGRESS)
        self.asked = False

    def on_ready(self):
        """True when it is over."""
        try:
            if not self.asked:
                self.asked = self.socket.send(b"x") == 1
                return False
            data = self.socket.recv(100)
        except OSError:
            data = b""
        self.outcome = "served" if data else "refused"
        self.took_s = time.time() - self.began
        return True


class Traffic:
    """A steady stream of clients for each policy."""

    def __init__(self, gateway):
        self.gateway, self._selector = gateway, selectors.DefaultSelector()
        self.attempts = {policy: [] for policy in POLICIES}

    def run_until(self, done):
        due = time.time()
        give_up = due + PATIENCE_S
        while not done():
            assert time.time() < give_up, "the failure was not noticed"
            if time.time() >= due:
                due = time.time() + PAUSE_S
                self._begin()
            self._step(max(0, due - time.time()))
        give_up = time.time() + PATIENCE_S
        while any(each.outcome == "hanging" for each in self._late()) and time.time() < give_up:
            self._step(0.05)

    def _late(self):
        """Those that have to be served: what came last."""
        return [each for attempts in self.attempts.values() for each in attempts[-5:]]

    def _begin(self):
        for number, policy in enumerate(POLICIES):
            attempts = self.attempts[policy]
            attempt = Attempt(self.gateway.address(policy), f"127.0.{number + 1}.{len(attempts) % 250 + 1}")
            attempts.append(attempt)
            self._selector.register(attempt.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, attempt)

    def _step(self, wait_s):
        for key, _ in self._selector.select(wait_s):
            attempt = key.data
            was_asked = attempt.asked
            if attempt.on_ready():
                self._selector.unregister(attempt.socket)
                attempt.socket.close()
            elif attempt.asked and not was_asked:
                self._selector.modify(attempt.socket, selectors.EVENT_READ, attempt)

    def close(self):
        self._selector.close()
        for attempts in self.attempts.values():
            for each in attempts:
                each.socket.close()


def noticed_at(gateway, policy):
    """When the log said that the victim is DOWN, or None."""
    for each in gateway.log("server state", server=f"{policy}/victim", to="DOWN"):
        return datetime.datetime.fromisoformat(each["time"].replace("Z", "+00:00")).timestamp()
    return None


def old_connections(gateway):
    """Some for each policy that the failure finds open; one came after the other."""
    old = []
    for number, policy in enumerate(POLICIES):
        for n in range(12):
            old.append((policy, gateway.connect(gateway.address(policy), source=f"127.0.{number + 1}.{n + 1}")))
            old[-1][1].ask(b"before")
    return old


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_what_clients_feel_when_a_server_fails(run, resources, echo_backend, refusing_backend, table_of_faults, fault):
    """Checks that a machine which stands still misses are failures too, of any server: then once more."""
    def felt():
        return what_clients_feel(run, resources, echo_backend, refusing_backend, fault)

    table_of_faults += undisturbed(felt, times=3)


def what_clients_feel(run, resources, echo_backend, refusing_backend, fault):
    """The rows of the table."""
    victim = refusing_backend("victim") if FAULTS[fault] is None else echo_backend("victim")
    servers = [victim, echo_backend("b"), echo_backend("c")]
    began = time.time()
    gateway = run("run", config(
        pool=[dict(name=policy, policy=policy, servers=servers, health=HEALTH, slow_start="0s") for policy in POLICIES],
        listener=[dict(name=policy, pool=policy) for policy in POLICIES]))
    old = old_connections(gateway)
    traffic = Traffic(gateway)
    resources.callback(traffic.close)
    if FAULTS[fault]:
        began = time.time()
        FAULTS[fault](victim)

    def is_over():
        times = [noticed_at(gateway, policy) for policy in POLICIES]
        return all(times) and time.time() > max(times) + 2 * SLACK_S
    traffic.run_until(is_over)

    rows = []
    for policy in POLICIES:
        attempts, noticed = traffic.attempts[policy], noticed_at(gateway, policy)
        bad = [each for each in attempts if each.outcome != "served"]
        rows.append(row(fault, policy, began, noticed, attempts, bad))
        where = f"{policy}: {[(each.outcome, round(each.began - began, 3)) for each in bad]}, noticed {noticed - began:.3f}"
        if fault in REFUSES:
            assert not bad, f"nobody is refused when a server refuses: {where}"
            assert gateway.metric("holdfast_server_connect_failures_total", pool=policy, server="victim") <= 2, where
        if fault in STANDS_STILL:
            # While it was started anew, in another mode, connections that it had accepted before could be cut.
            assert all(each.outcome == "hanging" for each in bad), where
        assert all(each.began < noticed + SLACK_S for each in bad), f"only until it is noticed: {where}"
        later = [each for each in attempts if each.began > noticed + SLACK_S]
        assert len(later) >= 5, "there was traffic after it, too"
        slowest = INTERVAL_S * 1.1 + (FALL + 1) * max(FAST_S, TIMEOUT_S if fault in STANDS_STILL else 0)
        assert noticed - began < slowest + 10, where
    for policy, each in old:
        if each.served_by != "victim":
            assert each.ask(b"after") == b"after", f"{policy}: a connection on a healthy server was touched"
    if fault == "SIGSTOP":
        victim.go_on()
    return rows


def row(fault, policy, began, noticed, attempts, bad):
    until_noticed = [each for each in attempts if each.began < noticed]
    right_again = max((each.began for each in bad), default=began) - began
    slowest = max((each.took_s for each in attempts if each.outcome == "served"), default=0)
    return dict(fault=fault, policy=policy, noticed_ms=round((noticed - began) * 1000), meanwhile=len(until_noticed),
                refused=sum(each.outcome == "refused" for each in bad),
                hanging=sum(each.outcome == "hanging" for each in bad),
                right_again_ms=round(right_again * 1000), slowest_ms=round(slowest * 1000, 1))
