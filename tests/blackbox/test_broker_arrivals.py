"""How clients come in, before they are one: what is refused at once, and what is counted."""
import pytest

import mqtt_packets as mqtt
from mqtt_packets import V5, V311


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
