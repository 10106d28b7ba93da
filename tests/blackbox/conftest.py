"""The fixtures. Each test starts the programs that it needs; whatever it started is ended, and judged, after it."""
import contextlib
import functools
import shutil
import tempfile
from pathlib import Path

import pytest

import haproxy as real_haproxy
import nginx as real_nginx
import servers
from configuration import config
from environment import BINARY, SANITIZED
from gateway import Gateway, run_to_end
from network import Network


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is not there: build it, or name another with HOLDFAST=")


def pytest_report_header(config):
    return f"program under test: {BINARY}{' (sanitized)' if SANITIZED else ''}"


@pytest.fixture
def directory():
    """An empty directory with a short path, so that unix sockets fit."""
    path = tempfile.mkdtemp(prefix="holdfast-")
    yield Path(path)
    shutil.rmtree(path)


@pytest.fixture
def resources():
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


def _maker(resources, kind):
    def make(*arguments, **options):
        made = kind(*arguments, **options)
        resources.callback(made.close)
        return made

    return make
