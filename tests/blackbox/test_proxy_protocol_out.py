"""PROXY headers to servers: who the client is, before anything else that they get."""
import pytest

import proxy_headers as headers
from configuration import config
from proxy_headers import LOCAL, PROXY, v1, v1_unknown, v2, v2_of

CLIENT, TARGET = "192.0.2.7:40001", "198.51.100.1:443"
CLIENT6, TARGET6 = "[2001:db8::7]:40006", "[2001:db8::1]:443"


@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param


@pytest.fixture
def introduced(run, hand_backend):
    """introduced("v1", bind=[...]): a gateway that tells the server about its clients, and that server."""
    def start(version, pool=None, sections=None, **listener):
        server = hand_backend("hand")
        return run("run", config(listener=listener, pool=dict(servers=[server], proxy_protocol=version, **(pool or {})),
                                 **(sections or {}))), server

    return start


def expect_introduction(header, version, source, destination):
    """A header that says so. Version 1 has no words for unix sockets."""
    assert (header.version, header.command) == (int(version[1]), PROXY)
    if version == "v1" and source.startswith("unix:"):
        source = destination = ""
    assert (header.source, header.destination) == (source, destination)


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0", "unix:{directory}/l.sock"])
def test_the_header_is_there_before_the_client_has_said_anything(introduced, directory, version, bind):
    gateway, server = introduced(version, bind=[bind.format(directory=directory)])
    client = gateway.connect()
    end = server.accept()
    header = headers.receive(end)
    if bind.startswith("unix"):
        expect_introduction(header, version, "unix:", "unix:")
    else:
        expect_introduction(header, version, client.local_address, gateway.address())
    assert end.nothing_came()
    client.send(b"question")
    assert end.receive(8) == b"question"
    end.send(b"answer")
    assert client.receive(6) == b"answer"


def test_version_2_has_the_id_of_the_log_and_a_right_checksum(introduced):
    gateway, server = introduced("v2")
    for _ in range(5):
        client = gateway.connect()
        end = server.accept()
        header = headers.receive(end)
        assert [kind for kind, _ in header.tlvs] == [headers.UNIQUE_ID, headers.CRC32C]
        assert header.crc_is_right
        address = client.local_address
        client.close()
        end.close()
        assert gateway.wait_ended(client=address)[0]["id"] == int(header.tlv(headers.UNIQUE_ID))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_header_comes_before_what_clients_sent_meanwhile(introduced, version, workers):
    gateway, server = introduced(version, sections=dict(node=dict(workers=workers)))
    payload = bytes(range(256)) * 512
    clients = [gateway.connect() for _ in range(30)]
    for each in clients:
        each.send(payload)
        each.half_close()
    sources = []
    for _ in clients:
        end = server.accept()
        sources.append(headers.receive(end).source)
        assert end.receive_until_end() == payload
        end.close()
    assert sorted(sources) == sorted(each.local_address for each in clients)
    for each in clients:
        assert each.receive_until_end() == b""
    ended = gateway.wait_ended(count=len(clients))
    assert {line["bytes_to_server"] for line in ended} == {len(payload)}, "the header is none of the client's bytes"


def test_a_client_that_sends_all_it_has_and_closes_is_introduced_as_well(introduced, version):
    gateway, server = introduced(version)
    client = gateway.connect()
    address = client.local_address
    client.send(b"last words")
    client.close()
    end = server.accept()
    assert headers.receive(end).source == address
    assert end.receive_until_end() == b"last words"


def test_a_second_server_that_is_tried_gets_the_header_too(run, hand_backend, refusing_backend, version):
    server = hand_backend("hand")
    gateway = run("run", config(pool=dict(policy="first", proxy_protocol=version,
                                          servers=[refusing_backend("refusing"), server])))
    client = gateway.connect()
    assert headers.receive(server.accept()).source == client.local_address


def test_with_off_servers_get_no_header(introduced):
    gateway, server = introduced("off")
    client = gateway.connect()
    client.send(b"plain")
    assert server.accept().receive(5) == b"plain"


# From a header to a header.

@pytest.mark.parametrize("header, source, destination", [
    (v1(CLIENT, TARGET), CLIENT, TARGET),
    (v1(CLIENT6, TARGET6), CLIENT6, TARGET6),
    (v2(CLIENT, TARGET, [(headers.UNIQUE_ID, b"theirs")], crc=True), CLIENT, TARGET),
    (v2(CLIENT6, TARGET6), CLIENT6, TARGET6),
    (v2("unix:/run/a", "unix:/run/b"), "unix:", "unix:"),
], ids=["v1 IPv4", "v1 IPv6", "v2 IPv4", "v2 IPv6", "v2 unix"])
def test_who_the_client_is_and_whom_it_wanted_is_handed_on(introduced, version, header, source, destination):
    gateway, server = introduced(version, proxy_protocol="required")
    client = gateway.connect()
    client.send(header + b"payload")
    end = server.accept()
    expect_introduction(headers.receive(end), version, source, destination)
    assert end.receive(7) == b"payload"


@pytest.mark.parametrize("header", [v2_of(LOCAL), v2_of(PROXY), v1_unknown()], ids=["LOCAL", "UNSPEC", "UNKNOWN"])
def test_who_names_nobody_is_introduced_as_what_it_is(introduced, version, header):
    gateway, server = introduced(version, proxy_protocol="required")
    client = gateway.connect()
    client.send(header + b"payload")
    end = server.accept()
    expect_introduction(headers.receive(end), version, client.local_address, gateway.address())
    assert end.receive(7) == b"payload"


def test_the_family_of_the_socket_does_not_matter_for_what_is_handed_on(introduced, directory):
    gateway, server = introduced("v2", proxy_protocol="required", bind=["[::1]:0", f"unix:{directory}/l.sock"])
    for address in gateway.addresses("main"):
        client = gateway.connect(address)
        client.send(v1(CLIENT, TARGET) + b"x")
        header = headers.receive(server.accept())
        assert (header.source, header.destination) == (CLIENT, TARGET)


# Checks.

def expect_own(header, version):
    assert header == headers.Header(int(version[1]), PROXY if version == "v1" else LOCAL)


@pytest.mark.parametrize("health, after_header", [
    (dict(type="tcp"), b""),
    (dict(type="http"), b"GET / HTTP/1.1\r\n"),
    (dict(type="script", step=[dict(send="PING\r\n"), dict(expect="PONG")]), b"PING\r\n"),
], ids=["tcp", "http", "script"])
def test_checks_begin_with_a_header_of_their_own(introduced, version, health, after_header):
    _, server = introduced(version, pool=dict(health=dict(interval="50ms", **health)))
    for _ in range(3):
        end = server.accept()
        expect_own(headers.receive(end), version)
        assert end.receive(len(after_header)) == after_header
        end.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_one_gateway_behind_another_knows_clients_and_takes_checks_quietly(run, hand_backend, version, workers):
    server = hand_backend("hand")
    back = run("run", config(listener=dict(proxy_protocol="required"), pool=dict(servers=[server]),
                             node=dict(workers=workers), log=dict(format="json", level="debug")))
    entry = dict(name="back", address=back.address())
    front = run("run", config(pool=dict(servers=[entry], proxy_protocol=version,
                                        health=dict(type="tcp", interval="20ms", fast_interval="20ms", rise=1)),
                              node=dict(workers=workers)))
    back.wait_metric("holdfast_closed_total", lambda count: count >= 20, reason="probe")
    assert back.metric("holdfast_server_connections_total") == 0
    client = front.connect()
    client.send(b"payload")
    end = server.accept()
    assert end.receive(7) == b"payload"
    address = client.local_address
    client.close()
    end.close()
    front.wait_ended(client=address)
    back.wait_ended(client=address)
    assert front.metric("holdfast_server_up") == 1
    assert front.metric("holdfast_probe_failures_total") == 0
    assert back.metric("holdfast_refused_total") == 0
    assert {line["level"] for line in back.log("connection ended", reason="probe")} == {"debug"}
    assert len(back.log("connection ended", level="info")) == 1
