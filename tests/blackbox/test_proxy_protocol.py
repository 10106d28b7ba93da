"""PROXY headers from the balancers before the program: who the client is, and who has none to show."""
import fcntl
import random
import struct
import termios
import threading

import pytest

import proxy_headers as headers
from configuration import config
from environment import PATIENCE_S, SEED, scaled, wait_until
from proxy_headers import LOCAL, PROXY, v1, v1_unknown, v2, v2_of, v2_of_size

CLIENT, TARGET = "192.0.2.7:40001", "198.51.100.1:443"
CLIENT6, TARGET6 = "[2001:db8::7]:40006", "[2001:db8::1]:443"
TLVS = [(headers.ALPN, b"mqtt"), (headers.AUTHORITY, b"example.org"), (headers.UNIQUE_ID, b"a-1"),
        (headers.SSL, b"\x01\0\0\0\0\x21\0\x07TLSv1.3"), (0xE5, b"our own"), (0x77, b"")]

# Each with the client that it names; None where it names nobody, and the connection's own address counts.
WHOLE = {
    "v1 IPv4": (v1(CLIENT, TARGET), CLIENT),
    "v1 IPv6": (v1(CLIENT6, TARGET6), CLIENT6),
    "v1 unknown": (v1_unknown(), None),
    "v1 unknown with anything": (v1_unknown(" ffff::1 \xff whatever PROXY"), None),
    "v2 IPv4": (v2(CLIENT, TARGET), CLIENT),
    "v2 IPv6": (v2(CLIENT6, TARGET6), CLIENT6),
    "v2 with TLVs": (v2(CLIENT, TARGET, TLVS), CLIENT),
    "v2 with TLVs and checksum": (v2(CLIENT6, TARGET6, TLVS, crc=True), CLIENT6),
    "v2 unix": (v2("unix:/run/a", "unix:/run/b"), "unix"),
    "v2 unspecified": (v2_of(PROXY), None),
    "v2 unspecified with anything": (v2_of(PROXY, addresses=b"\xff" * 99), None),
    "v2 local": (v2_of(LOCAL), None),
    "v2 local with addresses": (v2_of(LOCAL, headers.TCP4, bytes(12), TLVS), None),
    "v2 as large as may be": (v2_of_size(CLIENT, TARGET, 4096), CLIENT),
}
BROKEN = {
    "v1 without a family": b"PROXY \r\n",
    "v1 of no known family": b"PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
    "v1 with an address of another family": b"PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n",
    "v1 with a port too large": b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n",
    "v1 with a field too much": b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
    "v1 without CR": b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
    "v1 without end": b"PROXY UNKNOWN " + b"x" * 93,
    "v1 no space": b"PROXYTCP4",
    "v2 of version 3": headers.SIGNATURE + b"\x31",
    "v2 with an unknown command": headers.SIGNATURE + b"\x22",
    "v2 of no known family": headers.SIGNATURE + b"\x21\x41",
    "v2 too short for its addresses": v2_of(PROXY, headers.TCP6, bytes(35)),
    "v2 with a wrong checksum": v2(CLIENT, TARGET, TLVS, crc=True)[:-1] + b"\0",
    "v2 with a TLV that does not fit": v2_of(PROXY, headers.TCP4, bytes(12) + b"\x04\0\x05abcd"),
    "v2 larger than 4 KiB": headers.SIGNATURE + b"\x21\x11\x0f\xf1",  # its length is enough to know
    "v2 local larger than 4 KiB": headers.SIGNATURE + b"\x20\0\xff\xff",
}
# What begins no header, though some of it looks as if it did.
LOOKALIKES = [b"GET / HTTP/1.1\r\n", b"PROXIMITY", b"PROX Y", b"proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", b"\r\nhello",
              b"\r\n\r\n\0\r\nQUIT\r\n", b"\0", b"\x10\x0c\0\x04MQTT"]


@pytest.fixture(params=[1, 2], ids=lambda workers: f"workers={workers}")
def workers(request):
    return request.param


@pytest.fixture
def behind_balancer(run, hand_backend):
    """behind_balancer(mode, key=...): a gateway that looks for PROXY headers, and its server, in the test's hands."""
    def start(mode="required", sections=None, **listener):
        server = hand_backend("hand")
        return run("run", config(listener=dict(proxy_protocol=mode, **listener),
                                 pool=dict(servers=[server]), log=dict(level="debug"), **(sections or {}))), server

    return start


def dials(gateway):
    page = gateway.metrics()
    return page.value("holdfast_server_connections_total") + page.value("holdfast_server_connect_failures_total")


def reach_server(gateway, server):
    client = gateway.connect()
    client.send(v1("203.0.113.99:9", TARGET) + b"payload")
    assert server.accept().receive(7) == b"payload"


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_a_header_names_the_client_and_never_reaches_the_server(behind_balancer, mode):
    gateway, server = behind_balancer(mode)
    for name, (header, named) in WHOLE.items():
        client = gateway.connect()
        client.send(header + b"payload")
        end = server.accept()
        client.half_close()
        assert end.receive_until_end() == b"payload", name
        end.send(b"answer")
        end.close()
        assert client.receive_until_end() == b"answer", name
        line = gateway.wait_ended(client=named or client.local_address)[-1]
        assert (line["bytes_to_server"], line["bytes_to_client"]) == (7, 6), name
        assert line["reason"] == "client_closed", name
    assert gateway.metric("holdfast_closed_total", reason="client_closed") == len(WHOLE)


@pytest.mark.parametrize("name", ["v1 IPv4", "v1 unknown", "v2 with TLVs and checksum", "v2 local with addresses"])
def test_a_header_may_be_cut_at_every_byte(behind_balancer, workers, name):
    gateway, server = behind_balancer(sections=dict(node=dict(workers=workers)))
    header, named = WHOLE[name]
    clients = [gateway.connect() for _ in header]
    for cut, client in enumerate(clients):
        client.send(header[:cut])
    gateway.wait_metric("holdfast_connections", len(clients))
    for _ in range(2 * workers):
        reach_server(gateway, server)  # what was sent before is looked at by now
    rest = {}
    for cut, client in enumerate(clients):
        payload = b"payload %d" % cut
        client.send(header[cut:] + payload)
        end = server.accept()
        rest[end.receive(len(payload))] = payload
        client.half_close()
        assert end.receive_until_end() == b""
        end.close()
        assert client.receive_until_end() == b""
    assert all(got == sent for got, sent in rest.items()) and len(rest) == len(clients)
    own = {client.local_address for client in clients}
    ended = gateway.wait_ended(len(clients), reason="client_closed")
    assert {line["client"] for line in ended} == ({named} if named else own)


# A unix socket's queue takes some 70 writes, however small, until somebody reads; and a header is only looked at.
@pytest.mark.parametrize("place, bytes_max", [("127.0.0.1:0", 300), ("unix:{directory}/l.sock", 60)])
def test_headers_may_come_byte_by_byte(behind_balancer, directory, place, bytes_max):
    gateway, server = behind_balancer(bind=[place.format(directory=directory)])
    for name, (header, _) in WHOLE.items():
        if len(header) > bytes_max:
            continue
        client = gateway.connect()
        for byte in header + b"payload":
            client.send(bytes([byte]))
        assert server.accept().receive(7) == b"payload", name


def test_only_one_header_is_taken(behind_balancer):
    gateway, server = behind_balancer()
    second = v2("203.0.113.1:1", TARGET)
    client = gateway.connect()
    client.send(v1(CLIENT, TARGET) + second)
    end = server.accept()
    assert end.receive(len(second)) == second
    client.close()
    end.close()
    assert gateway.wait_ended()[0]["client"] == CLIENT


def test_with_off_a_header_is_payload_like_any_other(behind_balancer):
    gateway, server = behind_balancer("off")
    begins = [header for header, _ in WHOLE.values()] + list(BROKEN.values())
    for begin in begins:
        client = gateway.connect()
        client.send(begin)
        assert server.accept().receive(len(begin)) == begin
        client.close()
    assert gateway.metric("holdfast_refused_total") == 0


def test_optional_serves_clients_without_a_header_as_they_are(behind_balancer):
    gateway, server = behind_balancer("optional")
    for payload in LOOKALIKES:
        client = gateway.connect()
        client.send(payload)
        assert server.accept().receive(len(payload)) == payload
        address = client.local_address
        client.reset()
        gateway.wait_ended(client=address)
    assert gateway.metric("holdfast_refused_total") == 0


@pytest.mark.parametrize("begin", [b"", b"P", b"PROX", b"\r\n", b"\r\n\r\n\0\r\nQUIT"])
def test_optional_serves_a_client_whose_begin_may_be_anything_when_the_time_is_over(behind_balancer, begin):
    gateway, server = behind_balancer("optional", proxy_protocol_timeout="60ms")
    client = gateway.connect()
    if begin:
        client.send(begin)
    end = server.accept()
    assert end.receive(len(begin)) == begin
    end.send(b"I speak first")
    assert client.receive(13) == b"I speak first"


@pytest.mark.parametrize("begin", [b"P", b"\r\n"])
def test_optional_relays_what_a_client_sent_before_it_ended_its_side(behind_balancer, begin):
    gateway, server = behind_balancer("optional", proxy_protocol_timeout="1m")
    client = gateway.connect()
    client.send(begin)
    client.half_close()
    end = server.accept()
    assert end.receive_until_end() == begin
    end.send(b"answer")
    end.close()
    assert client.receive_until_end() == b"answer"


def refused(gateway, client, reason):
    """The one client is turned away for `reason`, and no server hears of it."""
    try:
        assert client.receive_until_end() == b""
    except ConnectionResetError:
        pass  # it had sent more than was read
    gateway.wait_metric("holdfast_refused_total", 1, reason=reason)
    assert gateway.metric("holdfast_refused_total") == 1
    line = gateway.wait_ended()[-1]
    assert (line["reason"], line["level"], line["server"]) == ("refused", "info", "-")
    assert dials(gateway) == 0
    gateway.wait_metric("holdfast_connections", 0)
    return line


@pytest.mark.parametrize("payload", LOOKALIKES)
def test_required_refuses_clients_without_a_header(behind_balancer, payload):
    gateway, _ = behind_balancer("required")
    client = gateway.connect()
    address = client.local_address
    client.send(payload)
    assert refused(gateway, client, "proxy_missing")["client"] == address


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_broken_headers_are_refused_and_counted(behind_balancer, mode):
    gateway, server = behind_balancer(mode)
    for count, (name, header) in enumerate(BROKEN.items(), start=1):
        client = gateway.connect()
        client.send(header)
        try:
            assert client.receive_until_end() == b"", name
        except ConnectionResetError:
            pass
        gateway.wait_metric("holdfast_refused_total", count, reason="proxy_malformed")
    assert gateway.metric("holdfast_closed_total", reason="refused") == len(BROKEN)
    assert dials(gateway) == 0


def test_half_a_header_and_then_the_end_is_a_broken_one(behind_balancer):
    gateway, _ = behind_balancer()
    cuts = [header[:cut] for header in (v1(CLIENT, TARGET), v2(CLIENT, TARGET)) for cut in (1, 5, 12, len(header) - 1)]
    for count, begin in enumerate(cuts, start=1):
        client = gateway.connect()
        client.send(begin)
        client.close()
        gateway.wait_metric("holdfast_refused_total", count, reason="proxy_malformed")
    assert dials(gateway) == 0


def test_half_a_header_and_then_a_reset_is_a_reset(behind_balancer):
    gateway, _ = behind_balancer()
    for count, header in enumerate((v1(CLIENT, TARGET), v2(CLIENT, TARGET)), start=1):
        client = gateway.connect()
        client.send(header[:-1])
        gateway.wait_metric("holdfast_connections", 1)
        client.reset()
        gateway.wait_metric("holdfast_closed_total", count, reason="client_reset")
    assert gateway.metric("holdfast_closed_total") == 2


def test_a_header_and_then_a_reset_is_a_reset_of_the_client_it_names(behind_balancer):
    gateway, _ = behind_balancer()
    for _ in range(20):
        client = gateway.connect()
        client.send(v1(CLIENT, TARGET) + b"payload")
        client.reset()
    lines = gateway.wait_ended(count=20)
    assert {(line["reason"], line["client"]) for line in lines} == {("client_reset", CLIENT)}


@pytest.mark.parametrize("begin", [b"", b"P", v1(CLIENT, TARGET)[:-1], v2(CLIENT, TARGET)[:-1]])
def test_required_refuses_whoever_is_not_whole_in_time(behind_balancer, begin):
    gateway, _ = behind_balancer(proxy_protocol_timeout="60ms")
    client = gateway.connect()
    if begin:
        client.send(begin)
    refused(gateway, client, "proxy_timeout")


def test_optional_refuses_a_header_that_is_begun_and_not_whole_in_time(behind_balancer):
    gateway, _ = behind_balancer("optional", proxy_protocol_timeout="1s")
    client = gateway.connect()
    client.send(v2(CLIENT, TARGET)[:-1])
    refused(gateway, client, "proxy_timeout")


def test_sending_bit_by_bit_buys_no_time(behind_balancer):
    gateway, _ = behind_balancer(proxy_protocol_timeout="200ms")
    client = gateway.connect()
    header, sent = v2_of_size(CLIENT, TARGET, 4096), 0

    def turned_away():
        nonlocal sent
        try:
            client.send(header[sent:sent + 1])
            sent += 1
        except OSError:
            return True
        return False

    wait_until(turned_away, "the client is turned away")  # 10 ms between two bytes: 40 s for the whole header
    gateway.wait_metric("holdfast_refused_total", 1, reason="proxy_timeout")
    assert sent < 4000


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_headers_are_believed_only_from_those_who_are_trusted(behind_balancer, mode):
    gateway, server = behind_balancer(mode, proxy_protocol_from=["127.0.0.2", "10.0.0.0/8"])
    trusted = gateway.connect(source="127.0.0.2")
    trusted.send(v1(CLIENT, TARGET) + b"payload")
    assert server.accept().receive(7) == b"payload"
    trusted.reset()
    assert gateway.wait_ended()[0]["client"] == CLIENT
    for count, header in enumerate((v1(CLIENT, TARGET), v2_of(LOCAL), BROKEN["v1 no space"]), start=1):
        other = gateway.connect(source="127.0.0.3")
        address = other.local_address
        other.send(header + b"payload")
        gateway.wait_metric("holdfast_refused_total", count, reason="proxy_untrusted")
        assert gateway.wait_ended(client=address)[0]["reason"] == "refused"
    assert dials(gateway) == 1


def test_those_who_are_not_trusted_are_still_served_without_a_header(behind_balancer):
    gateway, server = behind_balancer("optional", proxy_protocol_from=["127.0.0.2"])
    client = gateway.connect()
    client.send(b"plain")
    assert server.accept().receive(5) == b"plain"


def test_whoever_may_open_the_unix_socket_is_trusted(behind_balancer, directory):
    gateway, server = behind_balancer(bind=[f"unix:{directory}/l.sock"], proxy_protocol_from=["127.0.0.2"])
    client = gateway.connect()
    client.send(v2(CLIENT, TARGET) + b"payload")
    end = server.accept()
    assert end.receive(7) == b"payload"
    client.close()
    end.close()
    assert gateway.wait_ended()[0]["client"] == CLIENT


# Checks of balancers.

SAYS_NOTHING_OF_A_CLIENT = {"nothing": lambda own, to: b"", "LOCAL": lambda own, to: v2_of(LOCAL),
                            "LOCAL with TLVs": lambda own, to: v2_of(LOCAL, headers.TCP4, bytes(12), TLVS),
                            "UNKNOWN": lambda own, to: v1_unknown(), "its own addresses, v1": v1,
                            "its own addresses, v2": v2}


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize("what", SAYS_NOTHING_OF_A_CLIENT)
def test_checks_of_balancers_are_quiet_and_reach_no_server(behind_balancer, workers, what, ending):
    gateway, _ = behind_balancer("required", sections=dict(node=dict(workers=workers)))
    for count in range(1, 11):
        client = gateway.connect()
        if what == "nothing":
            gateway.wait_metric("holdfast_connections_total", count)  # a reset in the kernel's queue is never seen
        else:
            client.send(SAYS_NOTHING_OF_A_CLIENT[what](client.local_address, gateway.address()))
        getattr(client, ending)()
        gateway.wait_metric("holdfast_closed_total", count)
    assert gateway.metric("holdfast_closed_total", reason="probe") == 10
    assert gateway.metric("holdfast_refused_total") == 0
    assert dials(gateway) == 0
    assert {line["level"] for line in gateway.wait_ended(count=10)} == {"debug"}


def test_with_optional_who_connects_and_closes_is_a_probe_too(behind_balancer):
    gateway, _ = behind_balancer("optional")
    gateway.connect().close()
    gateway.wait_metric("holdfast_closed_total", 1, reason="probe")
    assert dials(gateway) == 0


def test_a_check_that_closes_a_little_later_than_its_header_reaches_no_server(run, echo_backend, directory):
    gateway = run("run", config(listener=dict(proxy_protocol="required", bind=[f"unix:{directory}/l.sock"]),
                                pool=dict(servers=[echo_backend("a")])))
    for count in range(1, 21):
        client = gateway.connect()
        client.send(v2_of(LOCAL))
        wait_until(lambda: unread_bytes(client) == 0, "the header is read")
        client.close()
        gateway.wait_metric("holdfast_closed_total", count)
    assert gateway.metric("holdfast_closed_total", reason="probe") > 10  # not 20: the machine may be slow
    assert dials(gateway) < 10


def unread_bytes(client):
    """Over a unix socket: what the other side has not read, and what that costs the kernel."""
    return struct.unpack("i", fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4)))[0]


def test_a_client_is_no_check_when_the_balancer_keeps_its_address(run, echo_backend):
    gateway = run("run", config(listener=dict(proxy_protocol="required"), pool=dict(servers=[echo_backend("a")])))
    client = gateway.connect()
    client.send(v2(client.local_address, TARGET))
    client.close()
    gateway.wait_metric("holdfast_closed_total", 1, reason="client_closed")
    assert dials(gateway) == 1


@pytest.mark.parametrize("header", [v2_of(LOCAL), v1_unknown(), v2_of(PROXY)], ids=["LOCAL", "UNKNOWN", "UNSPEC"])
def test_a_balancer_that_waits_for_a_server_to_speak_first_is_served(run, echo_backend, header):
    gateway = run("run", config(listener=dict(proxy_protocol="required"),
                                pool=dict(servers=[echo_backend("speaker", mode="speaker")])))
    client = gateway.connect()
    client.send(header)
    assert client.receive_line() == b"speaker\n"
    address = client.local_address
    client.close()
    assert gateway.wait_ended()[0]["client"] == address


# Who the client is, to everything that asks.

def test_lists_and_limits_are_about_the_client_that_the_header_names(behind_balancer):
    gateway, server = behind_balancer(allow=["192.0.2.0/24", "2001:db8::/32"], deny=["192.0.2.66"],
                                      max_connections_per_address=2)

    def come(client_address, target=TARGET):
        client = gateway.connect()
        client.send(v2(client_address, target) + b"x")
        return client

    for client_address, target in (("192.0.2.1:1", TARGET), ("192.0.2.1:2", TARGET), ("192.0.2.2:1", TARGET),
                                   (CLIENT6, TARGET6)):
        come(client_address, target)
        assert server.accept().receive(1) == b"x"
    refusals = [("192.0.2.66:1", TARGET, "denied"), ("[::ffff:192.0.2.66]:1", TARGET6, "denied"),
                ("203.0.113.1:1", TARGET, "not_allowed"), ("192.0.2.1:3", TARGET, "max_connections_per_address"),
                ("[::ffff:192.0.2.1]:4", TARGET6, "max_connections_per_address")]
    for client_address, target, reason in refusals:
        before = gateway.metric("holdfast_refused_total", reason=reason)
        come(client_address, target)
        gateway.wait_metric("holdfast_refused_total", before + 1, reason=reason)
        assert gateway.wait_ended(client=client_address)[0]["reason"] == "refused"
    assert gateway.metric("holdfast_connections") == 4


def test_places_of_a_named_address_come_back(behind_balancer, workers):
    gateway, server = behind_balancer(max_connections_per_address=1, sections=dict(node=dict(workers=workers)))
    for count in range(1, 11):
        client = gateway.connect()
        client.send(v1(CLIENT, TARGET) + b"x")
        assert server.accept().receive(1) == b"x"
        client.reset()
        gateway.wait_metric("holdfast_closed_total", count, reason="client_reset")
        gateway.wait_metric("holdfast_connections", 0)


def test_the_rate_of_an_address_is_that_of_the_client_the_header_names(behind_balancer):
    gateway, server = behind_balancer(accept_rate_per_address="1/h", accept_burst_per_address=2)
    for number in range(10):
        client = gateway.connect()
        client.send(v1(f"192.0.2.{number % 5}:{number + 1}", TARGET) + b"x")
        assert server.accept().receive(1) == b"x"
    gateway.connect().send(v1("192.0.2.0:99", TARGET) + b"x")
    gateway.wait_metric("holdfast_refused_total", 1, reason="accept_rate_per_address")
    assert gateway.wait_ended(reason="refused")[0]["client"] == "192.0.2.0:99"


def test_hash_goes_by_the_client_that_the_header_names(run, echo_backend):
    backends = [echo_backend(name) for name in "abcd"]
    gateway = run("run", config(listener=dict(proxy_protocol="required"),
                                pool=dict(policy="hash", hash_load_bound=0, servers=backends)))

    def server_of(address):
        client = gateway.connect()
        client.send(v2(address, TARGET))
        return client.served_by

    first = [server_of(f"192.0.2.{number}:1000") for number in range(40)]
    again = [server_of(f"192.0.2.{number}:{2000 + number}") for number in range(40)]
    assert first == again
    assert len(set(first)) > 1, "all of one balancer's clients on one server"


@pytest.mark.torture
def test_torture_of_random_headers_in_random_pieces(run, echo_backend, workers):
    print(f"HOLDFAST_SEED={SEED}")
    gateway = run("run", config(listener=dict(proxy_protocol="required", proxy_protocol_timeout="1m"),
                                node=dict(workers=workers), pool=dict(servers=[echo_backend("a")])))
    count = scaled(200, 100)
    plans = [random.Random(SEED + number) for number in range(count)]
    clients = [gateway.connect() for _ in plans]
    outcomes = [None] * count

    def talk(number):
        numbers, client = plans[number], clients[number]
        header, named = random_header(numbers)
        payload = numbers.randbytes(numbers.randrange(1, 20_000))
        stream = header + payload
        cuts = sorted(numbers.sample(range(1, len(stream)), min(numbers.randrange(12), len(stream) - 1)))
        if numbers.random() < 0.5:  # about the header rather than about the payload
            cuts = sorted(numbers.sample(range(1, len(header) + 1), numbers.randrange(min(12, len(header)))))
        for begin, end in zip([0, *cuts], [*cuts, len(stream)]):
            client.send(stream[begin:end])
            if numbers.random() < 0.5:
                threading.Event().wait(numbers.random() * 0.01)
        client.half_close()
        outcomes[number] = (client.receive_until_end() == b"a\n" + payload, named or client.local_address)

    threads = [threading.Thread(target=talk, args=[number]) for number in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(2 * PATIENCE_S)
    assert [number for number, each in enumerate(outcomes) if not each or not each[0]] == []
    lines = gateway.wait_ended(count=count)
    assert {line["reason"] for line in lines} == {"client_closed"}
    assert sorted(line["client"] for line in lines) == sorted(named for _, named in outcomes)


def random_header(numbers):
    if numbers.random() < 0.15:
        rest = " x" * numbers.randrange(40)
        return numbers.choice([v1_unknown(), v1_unknown(rest), v2_of(LOCAL), v2_of(PROXY)]), None
    port = lambda: numbers.randrange(1, 65536)  # noqa: E731
    if numbers.random() < 0.5:
        source, target = (f"198.18.{numbers.randrange(256)}.{numbers.randrange(256)}:{port()}" for _ in range(2))
    else:
        source, target = (f"[2001:db8::{numbers.randrange(1, 10):x}:{numbers.randrange(1, 10):x}]:{port()}"
                          for _ in range(2))
    if numbers.random() < 0.4:
        return v1(source, target), source
    tlvs = [(numbers.randrange(0xE0, 0x100), numbers.randbytes(numbers.randrange(300)))
            for _ in range(numbers.randrange(6))]
    return v2(source, target, tlvs, crc=numbers.random() < 0.5), source
