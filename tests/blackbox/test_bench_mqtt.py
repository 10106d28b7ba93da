"""holdfast bench mqtt against a real broker, and against one that is not there."""
import json
import subprocess

import pytest

import mosquitto
from environment import BINARY, PATIENCE_S, scaled

pytestmark = pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto and mosquitto-clients are not installed")
CLIENTS = scaled(20, 5)


@pytest.fixture
def bench(resources, directory):
    """bench("pairs", "--qos", 1): (exit status, the result) of a short run against a mosquitto."""
    broker = mosquitto.Broker("broker", directory)
    resources.callback(broker.close)
    port = broker.address.rsplit(":", 1)[1]

    def run(*arguments):
        done = subprocess.run([BINARY, "bench", "mqtt", arguments[0], "--port", port, *map(str, arguments[1:]), "--json"],
                              stdout=subprocess.PIPE, text=True, timeout=2 * PATIENCE_S, check=False)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("traffic, copies", [("pairs", 1), ("fanin", 1), ("shared", 1), ("fanout", CLIENTS)])
def test_a_real_broker_delivers_everything_once_and_in_order(bench, traffic, copies, qos, version):
    status, result = bench(traffic, "--mqtt", version, "--qos", qos, "--clients", CLIENTS, "--duration", "100ms")
    messages = result["messages"]
    assert status == 0 and result["errors"]["total"] == 0
    assert messages["sent"] > 0 and messages["delivered"] == copies * messages["sent"]
    assert messages["acknowledged"] == (messages["sent"] if qos else 0)
    assert (messages["lost"], messages["duplicated"], messages["disordered"]) == (0, 0, 0)
    assert 0 < result["operations"] <= messages["delivered"] and result["latency_us"]["p99"] > 0


def test_a_rate_is_kept_and_nothing_but_it_is_sent(bench):
    status, result = bench("pairs", "--clients", CLIENTS, "--qos", 1, "--rate", 500, "--duration", "200ms")
    assert status == 0 and result["messages"]["delivered"] == 100


def test_clients_come_and_go_or_stay(bench):
    for more in ([], ["--keep"], ["--rate", 1000]):
        status, result = bench("connect", "--count", 50, "--duration", "1m", *more)
        assert status == 0 and result["operations"] == result["opened"] == 50 and result["seconds"] < 30


def test_silent_clients_have_said_all_before_they_hold(bench):
    for qos in (0, 1, 2):
        status, result = bench("hold", "--clients", CLIENTS, "--subscribe", "--messages", 3, "--qos", qos, "--duration", "50ms")
        assert status == 0 and (result["held"], result["lost"]) == (CLIENTS, 0)
        assert result["messages"]["delivered"] == 3 * CLIENTS


def test_messages_larger_than_any_socket_takes_arrive(bench):
    status, result = bench("pairs", "--clients", 2, "--size", 1048576, "--window", 3, "--qos", 1, "--duration", "100ms")
    assert status == 0 and result["messages"]["delivered"] > 0


@pytest.mark.parametrize("rate", ["500", "500/s", "30000/m"])
def test_a_rate_may_be_written_as_everywhere(bench, rate):
    status, result = bench("pairs", "--clients", 1, "--rate", rate, "--duration", "200ms")
    assert status == 0 and result["messages"]["delivered"] == 100


@pytest.mark.parametrize("arguments, what", [
    (["pairs", "--port", "1"], "cannot reach 127.0.0.1:1"),
    (["pairs", "--host", "broker.example"], "is not an IP address"),
    (["pairs", "127.0.0.1:1"], "cannot reach 127.0.0.1:1"),
    (["pairs", "--host", "127.0.0.1:1"], "cannot reach 127.0.0.1:1"),
    (["hold", "--host", "[::1]:1"], "cannot reach [::1]:1"),
    (["pairs", "--host", "127.0.0.1:1", "--port", "2"], "and --port another"),
    (["pairs", "127.0.0.1:1", "--host", "127.0.0.1"], "excludes"),
    (["pairs", "--rate", "0"], "must be like 2000/s or 2000"),
    (["pairs", "--rate", "30/m"], "must be like 2000/s or 2000"),
    (["connect", "--rate", "1000001/s"], "at most 1000000/s"),
    (["connect", "--keep"], "--keep needs --count"),
    (["pairs", "--topic", "a/#"], "without wildcards"),
    (["hold", "--clients", "999999"], "descriptors"),
    (["fanout", "--size", "15"], "15"),
])
def test_what_cannot_be_done_is_said(arguments, what):
    done = subprocess.run([BINARY, "bench", "mqtt", *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode in (1, 2) and what in done.stderr and done.stdout == ""
