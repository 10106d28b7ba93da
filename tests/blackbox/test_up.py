"""`holdfast up`: everything in one process, to try out."""
import contextlib
import re
import signal
import subprocess

import pytest

import peers
from environment import BINARY, PATIENCE_S, wait_until
from gateway import Lines

DEMO_SERVERS = ["anna", "bert", "carl"]


@pytest.fixture
def up(resources):
    process = subprocess.Popen([BINARY, "up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    resources.callback(process.wait)
    resources.callback(process.kill)
    return process, Lines(process.stdout), Lines(process.stderr)


def test_up_prints_a_table_serves_from_three_servers_and_tells_events(up, resources):
    process, table, events = up
    table.wait_for("What happens")
    text = "\n".join(table.all())
    rows = dict(re.findall(r"^  (gateway|servers|server \w+|metrics|health) +(\S+)", text, re.MULTILINE))
    assert rows.keys() == {"gateway", "servers", "metrics", "health", *(f"server {name}" for name in DEMO_SERVERS)}
    assert re.search(r"^  health +http://127\.0\.0\.1:\d+/healthz +and /readyz$", text, re.MULTILINE)
    clients = [resources.enter_context(contextlib.closing(peers.connect(rows["gateway"]))) for _ in range(3)]
    replies = []
    for each in clients:
        each.send(b"hello\n")
        replies.append(each.receive_line())
    assert sorted(replies) == [b"%s: hello\n" % name.encode() for name in DEMO_SERVERS]
    for name in DEMO_SERVERS:
        wait_until(lambda: any("connection opened" in line and f"server=demo/{name}" in line for line in events.all()),
                   f"a line of the connection to {name}")
    for each in clients:
        each.close()
    wait_until(lambda: sum("connection ended" in line for line in events.all()) == 3, "three such lines")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    table.close()
    events.close()
    assert not any("Sanitizer" in line or "runtime error:" in line for line in events.all())


def test_up_says_which_address_is_taken(holdfast, up):
    _, table, _ = up
    taken = re.search(r"gateway +(\S+)", table.wait_for("  gateway "))[1]
    done = holdfast("up", "--listen", taken, "--admin", "127.0.0.1:0")
    assert done.returncode == 1
    assert taken in done.stderr and "Address already in use" in done.stderr
