"""MQTT over WebSocket (section 6 of both standards): binary messages, packets and frames independent of each other."""
import base64
import hashlib
import os

import pytest

import mqtt_packets as mqtt
from mqtt_client import fresh

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    """The client's end of one."""

    def __init__(self, broker, protocols="mqtt"):
        self.peer = broker.client().peer
        key = base64.b64encode(os.urandom(16)).decode()
        offer = f"Sec-WebSocket-Protocol: {protocols}\r\n" if protocols else ""
        self.peer.send(f"GET /mqtt HTTP/1.1\r\nHost: broker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.peer.receive(1)
        self.status = int(head.split()[1])
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line]
        self.headers = {name.lower(): value for name, value in lines}
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.accepted = self.headers.get("sec-websocket-accept") == base64.b64encode(digest).decode()

    def send(self, payload, opcode=BINARY, final=True):
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + mqtt.two(len(payload))
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.peer.send(bytes([final << 7 | opcode]) + size + mask + masked)

    def receive(self):
        """(opcode, payload) of the next frame; it must be whole and not masked."""
        first, size = self.peer.receive(2)
        assert first & 0xf0 == 0x80 and size < 0x80
        if size == 126:
            size = int.from_bytes(self.peer.receive(2), "big")
        return first & 15, self.peer.receive(size)

    def packets(self, count, version):
        """The next packets, whatever frames they come in."""
        buffer, found = bytearray(), []
        while len(found) < count:
            while len(found) < count and (taken := mqtt.take(buffer, version)):
                del buffer[:taken[1]]
                found.append(taken[0])
            if len(found) < count:
                opcode, payload = self.receive()
                assert opcode == BINARY
                buffer += payload
        assert not buffer
        return found


@pytest.fixture
def websockets(broker_with):
    return broker_with(listener=dict(protocol="websocket", path="/mqtt"))


# MQTT5 [MQTT-6.0.0-4]
# MQTT311 [MQTT-6.0.0-4]
@pytest.mark.parametrize("offered", ["mqtt", "chat, mqtt", "mqtt, mqttv3.1"])
def test_the_sub_protocol_is_mqtt(websockets, offered):
    client = WebSocket(websockets, offered)
    assert (client.status, client.accepted, client.headers["sec-websocket-protocol"]) == (101, True, "mqtt")


# MQTT5 [MQTT-6.0.0-1] [MQTT-6.0.0-2]
# MQTT311 [MQTT-6.0.0-1] [MQTT-6.0.0-2]
@pytest.mark.parametrize("piece_bytes", [1, 3, 1000])
def test_packets_begin_and_end_where_they_like(websockets, version, piece_bytes):
    client, topic = WebSocket(websockets), fresh("t/")
    stream = mqtt.connect(fresh(), version) + mqtt.subscribe(1, (topic, 0), version=version) + mqtt.PINGREQ
    for at in range(0, len(stream), piece_bytes):
        client.send(stream[at:at + piece_bytes])
    assert {each.kind for each in client.packets(3, version)} == {"CONNACK", "SUBACK", "PINGRESP"}
    both = mqtt.publish(topic, b"one", version) + mqtt.publish(topic, b"two", version)
    client.send(both[:5], final=False)
    client.send(both[5:9], opcode=0, final=False)
    client.send(b"are you there", opcode=PING)
    client.send(both[9:], opcode=0)
    assert client.receive() == (PONG, b"are you there")
    assert [each.payload for each in client.packets(2, version)] == [b"one", b"two"]


# MQTT5 [MQTT-6.0.0-1]
# MQTT311 [MQTT-6.0.0-1]
def test_messages_that_are_not_binary_end_the_connection(websockets, version):
    client = WebSocket(websockets)
    client.send(mqtt.connect(fresh(), version))
    [connack] = client.packets(1, version)
    assert connack.reason == 0
    client.send(mqtt.PINGREQ, opcode=TEXT)
    assert b"\x88" in client.peer.receive_until_end(), "a close frame, then the end"
