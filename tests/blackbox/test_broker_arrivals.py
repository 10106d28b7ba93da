"""How clients come in, before they are one: what is refused at once, and what is counted."""
import pytest

import mqtt_packets as mqtt
import peers
from broker_process import listener
from mqtt_packets import V5, V311
from websocket_client import read_head, request

ORIGINS = ["https://app.example.org", "http://localhost:3000"]


@pytest.mark.parametrize("first, reason", [
    (b"G", "no_connect"),            # the type of PUBACK, and a length of 69 behind it
    (b"GET / HTTP/1.1\r\n", "no_connect"),
    (b"\x16\x03\x01\x02\x00", "malformed"),  # of TLS: a CONNECT with flags that it cannot have
    (b"\x00", "no_connect"),
    (b"\xc0", "no_connect"),
    (b"\x30\x80", "no_connect"),
    (b"\x11", "malformed"),
], ids=repr)
def test_what_does_not_begin_like_connect_is_not_waited_for(broker_process, first, reason):
    broker = broker_process(listener=dict(connect_timeout="1h"))
    client = broker.client()
    client.peer.send(first)
    assert client.rest() == []
    client.close()
    broker.gateway.wait_metric("holdfast_closed_total", 1, listener="m", reason=reason)
    broker.gateway.wait_metric("holdfast_broker_connects_refused_total", 1, listener="m")


@pytest.mark.parametrize("version", [V311, V5])
def test_a_connect_in_single_bytes_is_taken(broker_process, version):
    broker = broker_process()
    client = broker.client(version)
    for each in mqtt.connect("c", version=version):
        client.peer.send(bytes([each]))
    assert client.expect("CONNACK").reason == 0


def test_connect_is_counted_as_the_packets_that_follow_it(broker_process):
    broker = broker_process(workers=2)
    for name in ("a", "a", "b"):  # and from any worker
        broker.connect(name).ping()
    broker.client().send(mqtt.connect("c", flag_bits=1))  # malformed, and a packet nevertheless
    broker.gateway.wait_metric("holdfast_broker_packets_received_total", 4, type="CONNECT")
    broker.gateway.wait_metric("holdfast_broker_packets_received_total", 3, type="PINGREQ")


@pytest.mark.parametrize("origin", ["https://app.example.org", "HTTPS://App.example.org:443", "http://localhost:3000", None])
def test_a_page_of_an_allowed_origin_is_served(broker_process, origin):
    broker = broker_process(listeners=[listener("w", "websocket", allow_origins=ORIGINS)])
    broker.websocket(Origin=origin).connect()


@pytest.mark.parametrize("origin", ["http://app.example.org", "https://app.example.org.evil", "http://localhost", "null"])
def test_a_page_of_another_origin_is_refused(broker_process, origin):
    broker = broker_process(listeners=[listener("w", "websocket", allow_origins=ORIGINS)])
    peer = peers.connect(broker.gateway.address("w"))
    peer.send(request(Origin=origin))
    assert read_head(peer)[0] == 403
    peer.close()
    broker.gateway.wait_metric("holdfast_closed_total", 1, listener="w", reason="foreign_origin")
    broker.gateway.wait_metric("holdfast_broker_connects_refused_total", 1, listener="w")
    assert [each["reason"] for each in broker.gateway.wait_log("client refused")] == ["foreign_origin"]


def test_without_a_list_every_page_is_served(broker_process):
    broker = broker_process(listeners=[listener("w", "websocket")])
    broker.websocket(Origin="https://example.org").connect()
