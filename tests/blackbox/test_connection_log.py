"""The log: one line for each connection that ended, as text or JSON."""
import re

import pytest

from configuration import config


FIELDS = {"time", "level", "message", "id", "listener", "client", "server", "reason", "attempts", "connect_ms",
          "duration_ms", "bytes_to_server", "bytes_to_client"}


def three_connections(gateway):
    clients = [gateway.connect() for _ in range(3)]
    for number, each in enumerate(clients):
        assert each.ask(b"x" * (number + 1)) == b"x" * (number + 1)
    addresses = [each.local_address for each in clients]
    for each in clients:
        each.close()
    return addresses


def test_each_ended_connection_has_one_json_line_with_every_field(run, echo_backend):
    gateway = run("run", config(listener=dict(name="door"), pool=dict(name="farm", servers=[echo_backend("a")])))
    addresses = three_connections(gateway)
    lines = gateway.wait_ended(count=3)
    assert [sorted(each) for each in lines] == [sorted(FIELDS)] * 3
    by_client = {each["client"]: each for each in lines}
    assert sorted(by_client) == sorted(addresses)
    assert len({each["id"] for each in lines}) == 3
    for size, address in enumerate(addresses, start=1):
        line = by_client[address]
        assert (line["level"], line["listener"], line["server"]) == ("info", "door", "farm/a")
        assert (line["reason"], line["attempts"]) == ("client_closed", 1)
        assert (line["bytes_to_server"], line["bytes_to_client"]) == (size, size + len("a\n"))
        assert 0 <= line["connect_ms"] <= line["duration_ms"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    gateway.finish()
    assert len(gateway.log("connection ended")) == 3


def test_the_same_as_text(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), log=dict(format="text")))
    addresses = three_connections(gateway)
    gateway.wait_metric("holdfast_closed_total", 3)
    gateway.finish()
    lines = [each for each in gateway.log_lines() if "connection ended" in each]
    assert len(lines) == 3
    for line, address in zip(sorted(lines, key=lambda line: line.split("bytes_to_server=")[1]), addresses):
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    connection ended id=\d+ listener=main ", line)
        assert f" client={address} server=p/a reason=client_closed attempts=1 connect_ms=" in line
        assert re.search(r" duration_ms=[\d.]+ bytes_to_server=\d+ bytes_to_client=\d+$", line)


def test_what_clients_send_is_never_in_the_log(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), log=dict(format="text", level="trace")))
    client = gateway.connect()
    client.ask(b"canary\n2026-01-01T00:00:00.000Z error forged line\n\x1b[31m")
    client.close()
    gateway.wait_metric("holdfast_closed_total", 1)
    gateway.finish()
    assert any("connection ended" in line for line in gateway.log_lines())
    assert not any(word in line for line in gateway.log_lines() for word in ("canary", "forged", "\x1b"))


def test_clients_on_a_unix_socket_have_a_name_too(run, echo_backend, directory):
    gateway = run("run", config(listener=dict(bind=[f"unix:{directory}/l.sock"]),
                                pool=dict(servers=[echo_backend("a")])))
    client = gateway.connect()
    client.ask(b"x")
    client.close()
    assert gateway.wait_ended()[0]["client"].startswith("unix")


def test_ipv6_clients_are_written_in_brackets(run, echo_backend):
    gateway = run("run", config(listener=dict(bind=["[::1]:0"]), pool=dict(servers=[echo_backend("a")])))
    client = gateway.connect()
    client.ask(b"x")
    port = client.local_port
    client.close()
    assert gateway.wait_ended()[0]["client"] == f"[::1]:{port}"


def test_connections_false_writes_no_line(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), log=dict(connections=False)))
    three_connections(gateway)
    gateway.wait_metric("holdfast_closed_total", 3)
    gateway.finish()
    assert gateway.log("the node is drained"), "other lines are written"
    assert gateway.log("connection ended") == []


def test_level_debug_also_tells_when_connections_are_established(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), log=dict(level="debug")))
    three_connections(gateway)
    gateway.wait_ended(count=3)
    opened = gateway.log("connection opened")
    assert {each["id"] for each in opened} == {each["id"] for each in gateway.log("connection ended")}


def test_level_error_leaves_only_errors(run, refusing_backend):
    gateway = run("run", config(pool=dict(servers=[refusing_backend("dead")], retries=0), log=dict(level="error")))
    gateway.connect().expect_end()
    gateway.wait_metric("holdfast_closed_total", 1)
    gateway.finish()
    assert gateway.log_lines() == []


@pytest.mark.parametrize("workers", [2, 3])
def test_no_two_connections_have_the_same_id_whichever_workers_carry_them(run, echo_backend, workers):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), node=dict(workers=workers)))
    for each in [gateway.connect() for _ in range(60)]:
        each.close()
    ended = gateway.wait_ended(60)
    assert len({each["id"] for each in ended}) == 60
