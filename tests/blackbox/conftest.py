"""The fixtures. Each test starts the programs that it needs; whatever it started is ended, and judged, after it."""
import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import broker_process as broker_processes
import haproxy as real_haproxy
import mqtt_broker
import nginx as real_nginx
import servers
from configuration import config
from environment import BINARY, SANDBOXED, SANITIZED
from gateway import Gateway, run_to_end
from load import EchoServers
from network import Network


_FAULTS_HEAD = """\
# What clients feel when a server fails

One of three servers of a pool fails; the others are well. Checks are a script every 200 ms, 50 ms apart once one has
failed, with a time-out of 300 ms; three failures make DOWN. For each policy a client comes every 20 ms. A client is left
hanging when its server has taken the connection and says nothing: nobody but a check can know that. Made by

    HOLDFAST_FAULTS=bench/FAULTS.md /usr/bin/python3 -m pytest tests/blackbox/test_fault_matrix.py -q

"""


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is not there: build it, or name another with HOLDFAST=")


def pytest_report_header(config):
    return f"program under test: {BINARY}{' (sanitized)' if SANITIZED else ''}{' (sandboxed)' if SANDBOXED else ''}"


_FAULTS = pytest.StashKey()
_FAULT_COLUMNS = {
    "fault": "the server", "policy": "policy", "noticed_ms": "DOWN after ms", "meanwhile": "clients until then",
    "refused": "of them refused", "hanging": "left hanging", "right_again_ms": "last one after ms",
    "slowest_ms": "slowest of the others, ms"}


@pytest.fixture
def table_of_faults(request):
    """Rows of test_fault_matrix.py, shown after the tests."""
    return request.config.stash.setdefault(_FAULTS, [])


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(_FAULTS, [])
    if not rows:
        return
    lines = [f"| {' | '.join(map(str, cells))} |" for cells in
             [_FAULT_COLUMNS.values(), ["---"] * len(_FAULT_COLUMNS), *(each.values() for each in rows)]]
    terminalreporter.section("what clients feel when one of three servers fails")
    for line in lines:
        terminalreporter.write_line(line)
    if os.environ.get("HOLDFAST_FAULTS"):
        Path(os.environ["HOLDFAST_FAULTS"]).write_text(_FAULTS_HEAD + "\n".join(lines) + "\n")


@pytest.fixture
def directory():
    """An empty directory with a short path, so that unix sockets fit."""
    path = tempfile.mkdtemp(prefix="holdfast-")
    yield Path(path)
    shutil.rmtree(path)


@pytest.fixture
def resources(directory):  # which outlives them: they may write there until they end
    """Everything that a test started; closed in the reverse order. A failure of one does not spare the others."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def own_network(resources):
    """A network namespace in which the test and all that it starts are from here on. See network.Network."""
    try:
        network = Network()
    except OSError as error:
        pytest.skip(f"no network namespace of our own: {error}")
    resources.callback(network.leave)
    return network


@pytest.fixture
def echo_backend(resources):
    """echo_backend("a"): a server process that says its name. See servers.EchoServer."""
    return _maker(resources, servers.EchoServer)


@pytest.fixture
def echo_servers(resources):
    """echo_servers(3): servers for loads, without names. See load.EchoServers."""
    return _maker(resources, EchoServers)


@pytest.fixture
def refusing_backend(resources):
    return _maker(resources, servers.RefusingServer)


@pytest.fixture
def silent_backend(resources):
    return _maker(resources, servers.SilentServer)


@pytest.fixture
def hand_backend(resources):
    """hand_backend("a"): a server whose connections the test itself accepts, reads and writes."""
    return _maker(resources, functools.partial(servers.HandServer, at_end=resources.callback))


@pytest.fixture
def counting_backend(resources):
    return _maker(resources, servers.CountingServer)


@pytest.fixture
def haproxy(resources, directory):
    """haproxy("front", section): a real HAProxy. See haproxy.HAProxy."""
    if not real_haproxy.INSTALLED:
        pytest.skip("haproxy is not installed")
    make = _maker(resources, real_haproxy.HAProxy)
    return lambda name, section, **options: make(name, directory, section, **options)


@pytest.fixture
def nginx(resources, directory):
    """nginx("back", "http", server): a real nginx. See nginx.Nginx."""
    if not real_nginx.INSTALLED:
        pytest.skip("nginx, or its stream module, is not installed")
    make = _maker(resources, real_nginx.Nginx)
    return lambda name, kind, server, **options: make(name, directory, kind, server, **options)


@pytest.fixture
def scripted_backend(resources):
    """scripted_backend("a", serve): a server of which a function of the test serves each connection."""
    return _maker(resources, servers.ScriptedServer)


@pytest.fixture
def run(resources, directory):
    """run("run", config(...)): the program, ready, as a gateway.Gateway. Ends with SIGTERM; must exit with 0."""

    def start(command, document, **options):
        assert command == "run"
        place = tempfile.mkdtemp(dir=directory)
        gateway = Gateway(place, document, **options)
        resources.callback(gateway.finish)
        return gateway

    return start


@pytest.fixture
def holdfast():
    """holdfast("check", file): a command that ends by itself, as subprocess.CompletedProcess."""
    return run_to_end


@pytest.fixture
def relayed(run, hand_backend):
    """relayed(): (client, server, gateway): both ends of one connection, in the test's hands, and what is in between.

    Keywords are keys of the listener; `sections` has others: relayed(idle_timeout="1s", sections=dict(node=...)).
    """
    def start(receive_buffer_bytes=0, sections=None, **listener):
        server = hand_backend("hand", receive_buffer_bytes=receive_buffer_bytes)
        gateway = run("run", config(listener=listener, pool=dict(servers=[server]), **(sections or {})))
        client = gateway.connect(receive_buffer_bytes=receive_buffer_bytes)
        return client, server.accept(), gateway

    return start


def _broker(workers, **options):
    """A broker for many tests, until they have all ended."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as directory:
        broker, end = mqtt_broker.start(workers, directory, **options)
        try:
            yield broker
        finally:
            broker.close_clients()
            end()


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def module_broker(request):
    yield from _broker(request.param)


@pytest.fixture(scope="module")
def module_witness(module_broker):
    witness = mqtt_broker.Witness(module_broker)
    yield witness
    witness.close()


@pytest.fixture
def broker(module_broker):
    """A broker, with one worker and with two, that the tests of a module share. Its clients end with the test."""
    yield module_broker
    module_broker.close_clients()


@pytest.fixture
def witness(module_witness):
    """Bystanders who must still be served when the test has done its worst: they are asked after it, too."""
    yield module_witness
    module_witness.check()


@pytest.fixture
def broker_with(resources, directory):
    """broker_with(listener=dict(retain_available=False)): a broker of its own; not for brokers from elsewhere."""
    def start(workers=2, **options):
        if mqtt_broker.ELSEWHERE:
            pytest.skip("another broker has no such settings")
        broker, end = mqtt_broker.start(workers, directory, **options)
        resources.callback(end)
        resources.callback(broker.close_clients)
        return broker

    return start


@pytest.fixture(params=[4, 5], ids=["3.1.1", "5.0"])
def version(request):
    """The versions of MQTT that have a standard."""
    return request.param


@pytest.fixture
def broker_process(resources, directory):
    """broker_process(workers=2, listeners=[...]): a broker and its process. See broker_process.BrokerProcess."""
    def start(**options):
        broker = broker_processes.BrokerProcess(directory, **options)
        resources.callback(broker.finish)
        return broker

    return start


def _maker(resources, kind):
    def make(*arguments, **options):
        made = kind(*arguments, **options)
        resources.callback(made.close)
        return made

    return make
