"""An MQTT client in a test's hands: it sends what it is told and does nothing by itself, not even acknowledge."""
import collections
import itertools
import os
import select
import socket

import mqtt_packets as mqtt
from environment import PATIENCE_S
from mqtt_packets import V5
from peers import connect as connect_peer

_serials = itertools.count(1)


def fresh(stem="c"):
    """A name that nothing else in these tests has: for client ids and topics."""
    return f"{stem}{os.getpid()}x{next(_serials)}"


class Client:
    """A connection, at first without a word."""

    def __init__(self, address, version=V5):
        self.peer, self.version = connect_peer(address), version
        self.peer.socket.settimeout(float(os.environ.get("MQTT_CONFORMANCE_PATIENCE_S", PATIENCE_S)))
        self.connack = None
        self._buffer, self._aside = bytearray(), collections.deque()
        self._ids = itertools.count(1)

    # Sending.

    def send(self, *packets):
        self.peer.send(b"".join(packets))

    def connect(self, client_id=None, **options):
        """CONNECT; returns the CONNACK, which must accept it."""
        self.send_connect(client_id, **options)
        self.connack = self.expect("CONNACK")
        assert self.connack.reason == 0, self.connack
        return self.connack

    def send_connect(self, client_id=None, **options):
        self.client_id = fresh() if client_id is None else client_id
        self.send(mqtt.connect(self.client_id, version=self.version, **options))

    def subscribe(self, *filters, properties=None, qos=None, **options):
        """Each filter with these options. Returns the codes of the SUBACK."""
        byte = mqtt.options(qos=2 if qos is None else qos, **options)
        packet_id = next(self._ids)
        self.send(mqtt.subscribe(packet_id, *((each, byte) for each in filters), version=self.version,
                                 properties=properties))
        answer = self.expect("SUBACK")
        assert answer.packet_id == packet_id, answer
        return answer.codes

    def unsubscribe(self, *filters):
        packet_id = next(self._ids)
        self.send(mqtt.unsubscribe(packet_id, *filters, version=self.version))
        answer = self.expect("UNSUBACK")
        assert answer.packet_id == packet_id, answer
        return answer.codes

    def send_publish(self, topic, payload=b"", qos=0, packet_id=None, **options):
        """Without waiting for anything. Returns the packet identifier."""
        if qos and packet_id is None:
            packet_id = next(self._ids)
        self.send(mqtt.publish(topic, payload, version=self.version, qos=qos, packet_id=packet_id, **options))
        return packet_id

    def publish(self, topic, payload=b"", qos=1, **options):
        """And waits until it is acknowledged. Returns the reason; QoS 0 is followed by a ping, to know it is there."""
        packet_id = self.send_publish(topic, payload, qos, **options)
        if qos == 0:
            return self.ping()
        answer = self.expect("PUBACK" if qos == 1 else "PUBREC")
        assert answer.packet_id == packet_id, answer
        if qos == 2 and answer.reason < 0x80:
            self.send(mqtt.ack("PUBREL", packet_id))
            assert self.expect("PUBCOMP") == mqtt.Packet("PUBCOMP", 0, 4, packet_id, 0)
        return answer.reason

    def ping(self):
        self.send(mqtt.PINGREQ)
        self.expect("PINGRESP")

    # Receiving.

    def receive(self):
        """The next packet."""
        if self._aside:
            return self._aside.popleft()
        return self._read()

    def _read(self):
        while True:
            found = mqtt.take(self._buffer, self.version)
            if found:
                del self._buffer[:found[1]]
                return found[0]
            piece = self.peer.socket.recv(1 << 16)
            if not piece:
                raise AssertionError(f"the connection ended; left: {bytes(self._buffer)!r}")
            self._buffer += piece

    def expect(self, kind):
        packet = self.receive()
        assert packet.kind == kind, f"{packet} instead of {kind}"
        return packet

    def message(self):
        """The next PUBLISH, which is acknowledged through to the end of its flow."""
        packet = self.expect("PUBLISH")
        self.acknowledge(packet)
        return packet

    def acknowledge(self, packet):
        if packet.qos == 1:
            self.send(mqtt.ack("PUBACK", packet.packet_id))
        elif packet.qos == 2:
            self.send(mqtt.ack("PUBREC", packet.packet_id))
            while (answer := self._read()).kind != "PUBREL":
                self._aside.append(answer)  # what comes in between is for those who ask for the next packet
            assert answer.packet_id == packet.packet_id, answer
            self.send(mqtt.ack("PUBCOMP", packet.packet_id))

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def until_pong(self):
        """Everything that comes before the answer to a PINGREQ: what the server had for us until then."""
        self.send(mqtt.PINGREQ)
        packets = []
        while (packet := self.receive()).kind != "PINGRESP":
            packets.append(packet)
        return packets

    def rest(self):
        """The packets that come until the server ends the connection."""
        packets = list(self._aside)
        while True:
            while found := mqtt.take(self._buffer, self.version):
                del self._buffer[:found[1]]
                packets.append(found[0])
            try:
                piece = self.peer.socket.recv(1 << 16)
            except (ConnectionResetError, BrokenPipeError):  # it closed before it had read all we sent
                piece = b""
            except TimeoutError:
                raise AssertionError(f"still open after {PATIENCE_S} s; it said {packets}") from None
            if not piece:
                assert not self._buffer, f"half a packet at the end: {bytes(self._buffer)!r}"
                return packets
            self._buffer += piece

    def has_ended(self):
        """Whether the server has ended the connection by now; what it said before is read and forgotten."""
        while select.select([self.peer.socket], [], [], 0)[0]:
            try:
                if not self.peer.socket.recv(1 << 16):
                    return True
            except ConnectionResetError:
                return True
        return False

    def expect_end(self, reason=None):
        """The server closes; before, MQTT 5 is told why by DISCONNECT (`reason`: a code, or several that will do)."""
        packets = self.rest()
        if self.version != V5:
            assert packets == [], packets
            return None
        assert [each.kind for each in packets] == ["DISCONNECT"], packets
        allowed = reason if isinstance(reason, (tuple, set)) else (reason,)
        assert packets[0].reason in allowed, f"{packets[0]}; expected {[hex(each) for each in allowed]}"
        return packets[0]

    # The end.

    def leave(self, reason=None, properties=None):
        """DISCONNECT, and waits until the server has closed."""
        self.send(mqtt.disconnect(reason, properties))
        assert self.rest() == []
        self.close()

    def vanish(self):
        """Without DISCONNECT; waits until the server has noticed."""
        self.half_close()
        self.peer_end()
        self.close()

    def half_close(self):
        self.peer.socket.shutdown(socket.SHUT_WR)

    def peer_end(self):
        """Waits for the server to end the connection, whatever it says before."""
        try:
            while self.peer.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass

    def close(self):
        self.peer.close()
