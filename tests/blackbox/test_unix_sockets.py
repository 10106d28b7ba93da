"""Unix sockets differ from TCP where ends are concerned: an orderly close shows as a hang-up without an error."""
import socket

import pytest

from configuration import config
from environment import wait_until


@pytest.mark.parametrize("where", ["127.0.0.1", "unix:{directory}/server.sock"])
def test_what_a_client_sent_before_it_closed_arrives_though_no_server_was_connected_yet(
        run, echo_backend, directory, where):
    server = echo_backend("a", listen=where.format(directory=directory))
    path = directory / "listener.sock"
    gateway = run("run", config(listener=dict(bind=[f"unix:{path}"]), pool=dict(servers=[server])))
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"last words")
    gateway.wait_metric("holdfast_closed_total", 20, reason="client_closed")
    assert gateway.metrics().value("holdfast_relayed_bytes_total", direction="to_server") == 20 * len(b"last words")


def test_a_successor_keeps_the_socket_file_when_the_one_that_drains_ends(run, echo_backend, directory):
    path = directory / "listener.sock"
    sections = config(listener=dict(bind=[f"unix:{path}"]), pool=dict(servers=[echo_backend("a")]))
    former = run("run", sections)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        former.wait_metric("holdfast_connections", 1)
        former.signal(15)
        wait_until(lambda: not path.exists(), "the file goes as soon as nobody listens")
        successor = run("run", sections)
    assert former.wait_exit() == 0
    assert path.exists()
    assert successor.connect().ask(b"hello") == b"hello"
