"""What goes wrong around an operator: broken clients of the API, signals in storms, a full disk, commands that are killed."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading

import pytest

from configuration import config
from environment import BINARY, scaled, wait_until
from gateway import Lines
from load import Load, lost
from peers import socket_address
from test_reload import all_hold, clients_of

CONNECTIONS, RATE, SECONDS = scaled(200, 50), scaled(2000, 200), 3
AT_ONCE = 500
STREAMS_MAX = 32


# --- broken clients of the API while data flows ---


HALF = b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Half: "
HUGE_HEAD = b"GET /v1/status HTTP/1.1\r\n" + b"X-Huge: " + b"h" * 200_000
HUGE_BODY = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n{"
NO_HTTP = bytes(range(256)) * 8
NEVER_READ = b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50
BROKEN = (HALF, HUGE_HEAD, HUGE_BODY, NO_HTTP, NEVER_READ)


def five_hundred_at_once(address):
    """Each sends what it can without waiting, and a byte more later; none reads an answer."""
    family, where = socket_address(address)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.socket(family)) for _ in range(AT_ONCE)]
        for number, sock in enumerate(socks):
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(where)
            with contextlib.suppress(OSError):
                sock.send(BROKEN[number % len(BROKEN)])
        for _ in range(10):  # drop by drop
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.send(b"s")


def abused(gateway):
    """The result, and how often five hundred came."""
    ended, storms = threading.Event(), []

    def storm():
        while not ended.wait(0.3):
            five_hundred_at_once(gateway.admin)
            storms.append(AT_ONCE)

    with contextlib.closing(Load(gateway.address(), CONNECTIONS, RATE, SECONDS)) as load:
        load.wait_for_traffic()
        abuser = threading.Thread(target=storm)
        abuser.start()
        try:
            return load.result(), len(storms)
        finally:
            ended.set()
            abuser.join()


@pytest.mark.slow
def test_broken_clients_of_the_api_do_not_reach_the_data(run, echo_servers):
    servers = [dict(name=f"s{i}", address=address) for i, address in enumerate(echo_servers(2).addresses)]
    gateway = run("run", config(pool=dict(servers=servers), node=dict(workers=2), log=dict(connections=False)))
    descriptors = gateway.descriptors()
    result, storms = abused(gateway)
    assert storms >= 2
    assert lost(result) == {}
    assert result["opened"] == CONNECTIONS
    wait_until(lambda: gateway.get("/v1/status").status == 200, "the API answers those who ask well")
    assert gateway.metric("holdfast_admin_refused_total") > 0, "there were more than it takes"
    gateway.wait_metric("holdfast_admin_connections", 1)
    wait_until(lambda: gateway.descriptors() <= descriptors + 1, "all of them are closed")


def test_a_slow_client_and_a_half_request_keep_nobody_from_the_api(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    slow = [gateway.connect(gateway.admin) for _ in range(40)]
    for each in slow:
        each.send(HALF)
    assert not gateway.reload()["changed"]
    assert gateway.status()["phase"] == "serving"
    slow[0].send(b"whole\r\nConnection: close\r\n\r\n")
    assert slow[0].receive_until_end().startswith(b"HTTP/1.1 200 ")


# --- commands that are killed ---


def test_commands_killed_in_the_middle_of_a_stream_leave_nothing_behind(run, echo_backend, resources):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])))
    client = gateway.connect()
    assert client.ask(b"hello") == b"hello"
    descriptors = gateway.descriptors()
    for _ in range(2):  # twice as many as there may be at once
        listening = [subprocess.Popen([BINARY, "events", "--json", "--admin", f"http://{gateway.admin}"],
                                      stdout=subprocess.PIPE, text=True) for _ in range(STREAMS_MAX)]
        for each in listening:
            resources.callback(each.wait)
            resources.callback(each.kill)
        gateway.wait_metric("holdfast_admin_streams", STREAMS_MAX)
        gateway.change_server("a", state="drain")
        heard = [Lines(each.stdout) for each in listening]
        for each in heard:
            each.wait_for('"DRAIN"')
        for each in listening:
            each.kill()  # SIGKILL
        for each, lines in zip(listening, heard):
            each.wait()
            lines.close()
        gateway.change_server("a", state="ready")  # is told to streams that nobody reads
        gateway.wait_metric("holdfast_admin_streams", 0)
    assert gateway.metric("holdfast_admin_streams_refused_total") == 0
    wait_until(lambda: gateway.descriptors() <= descriptors, "no descriptor is left of them")
    assert client.ask(b"still here") == b"still here"


# --- signals ---


def test_a_hundred_sighups_while_the_file_changes(run, echo_backend):
    a, b, c = (echo_backend(name) for name in "abc")

    def version(number):
        listeners = [dict(), dict(name="second", max_connections=10 + number)]
        pool = dict(slow_start="0s", servers=[a.entry(weight=50 + number), b] + [c] * (number % 2), on_remove="keep")
        return config(listener=listeners[:1 + number // 2 % 2], pool=pool, log=dict(connections=False))

    gateway = run("run", version(0))
    clients = clients_of(gateway, 20)
    gateway.reload(version(3))
    gateway.reload(version(0))
    descriptors = gateway.descriptors()
    for number in range(1, 101):
        gateway.write_file(version(number))
        gateway.signal(signal.SIGHUP)
    gateway.write_file(version(103))
    gateway.signal(signal.SIGHUP)
    gateway.wait_server("a", weight=153)
    gateway.wait_server("c", leaving=False)
    assert gateway.listener("second")["max_connections"] == 113, "the last file, whole"
    assert all_hold(clients)
    gateway.reload(version(0))
    assert not gateway.reload()["changed"]
    assert gateway.status()["config"]["last_error"] is None
    wait_until(lambda: gateway.descriptors() <= descriptors, "no descriptor is left of a hundred reloads")
    assert all_hold(clients)


def test_sighups_between_other_signals_and_in_a_drain_harm_nobody(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(stop_timeout="1h")))
    clients = clients_of(gateway, 4)
    for number in (signal.SIGHUP, signal.SIGCONT, signal.SIGPIPE, signal.SIGHUP):
        gateway.signal(number)
    gateway.wait_log("reloaded", changes=0)
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/readyz").status == 503, "it drains")
    for _ in range(20):
        gateway.signal(signal.SIGHUP)
    gateway.wait_log("SIGHUP: the node stops, so nothing is reloaded")
    assert all_hold(clients)
    gateway.close_clients()
    assert gateway.wait_exit() == 0


# --- a full disk ---


@pytest.fixture
def full_disk(directory, resources):
    """A directory on a file system with no byte left."""
    disk = directory / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False)
    if os.geteuid() != 0 or mounted.returncode != 0:
        pytest.skip("no file system of our own")
    resources.callback(subprocess.run, ["umount", disk], check=True)
    with open(disk / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return disk


def test_a_reload_with_a_full_disk_works_and_says_what_could_not_be_kept(run, echo_backend, full_disk, directory):
    a, b, c = (echo_backend(name) for name in "abc")
    servers = directory / "servers.json"

    def list_them(*backends):
        fresh = servers.with_suffix(".new")
        fresh.write_text(json.dumps({"servers": [dict(name=each.name, address=each.address) for each in backends]}))
        fresh.rename(servers)

    list_them(a)
    pool = dict(slow_start="0s", servers=[], discovery={"from": "file", "path": str(servers)})
    node = dict(data_dir=str(full_disk / "data"))
    gateway = run("run", config(pool=pool, node=node))
    clients = clients_of(gateway, 3)
    said = gateway.wait_log("the list of servers cannot be kept on disk")[0]
    assert "No space left" in said["error"]
    list_them(a, b)
    gateway.wait_server("b", up=True)
    report = gateway.reload(config(pool={**pool, "servers": [c]}, node=node))
    assert [each["change"] for each in report["changes"]] == ["added"]
    assert {each.served_by for each in clients_of(gateway, 6)} >= {"b", "c"}
    assert all_hold(clients)
