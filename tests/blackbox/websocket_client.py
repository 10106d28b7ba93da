"""WebSocket (RFC 6455) by hand: a client of MQTT whose every frame is the test's, wrong ones included."""
import base64
import hashlib
import os
import select

from mqtt_client import Client
from mqtt_packets import V5

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload=b"", final=True, masked=True, reserved=0):
    size = len(payload)
    head = bytes([final << 7 | reserved << 4 | opcode])
    bit = masked << 7
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(key, payload)


def mask(key, payload):
    whole = (key * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")


def request(path="/mqtt", protocol="mqtt", key=None, **headers):
    """`headers`: others, or the same with another value; None leaves one out. "_" stands for "-"."""
    named = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Protocol": protocol, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{name}: {value}" for name, value in named.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def read_head(peer):
    """(status, {header: value}) of an HTTP answer."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.receive(1)
    status, *lines = head.decode().split("\r\n")[:-2]
    return int(status.split()[1]), {name.lower(): value.strip() for name, value in (each.split(":", 1) for each in lines)}


class _Socket:
    """What Client asks of a socket: payloads of binary messages in and out."""

    def __init__(self, peer):
        self.peer, self.socket = peer, peer.socket
        self.controls = []  # (opcode, payload) that came
        self.ended = False

    def send(self, data):
        self.peer.send(frame(BINARY, data))

    def recv(self, _size):
        while not self.ended:
            opcode, payload = self.read_frame()
            if opcode == BINARY:
                return payload
            self.controls.append((opcode, payload))
            self.ended = opcode == CLOSE
        return b""

    def read_frame(self):
        first = self.socket.recv(1)
        if not first:
            self.ended = True
            return CLOSE, b""
        assert first[0] & 0xf0 == 0x80, f"frame begins with {first[0]:#x}"
        size = self.peer.receive(1)[0]
        assert size < 128, "a server masks nothing"
        if size >= 126:
            size = int.from_bytes(self.peer.receive(2 if size == 126 else 8), "big")
        return first[0] & 15, self.peer.receive(size) if size else b""

    def __getattr__(self, name):
        return getattr(self.socket, name)


class _Peer:
    def __init__(self, peer):
        self.raw, self.socket = peer, _Socket(peer)

    def send(self, data):
        self.socket.send(data)

    def close(self):
        self.raw.close()


class WebSocketClient(Client):
    def __init__(self, address, version=V5, **options):
        super().__init__(address, version)
        raw, key = self.peer, base64.b64encode(os.urandom(16)).decode()
        raw.send(request(key=key, **options))
        status, headers = read_head(raw)
        assert status == 101, (status, headers)
        wanted = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
        assert headers["sec-websocket-accept"] == wanted, headers
        assert headers["upgrade"].lower() == "websocket" and headers["connection"].lower() == "upgrade"
        self.protocol = headers.get("sec-websocket-protocol")
        self.peer = _Peer(raw)

    def send_raw(self, data):
        self.peer.raw.send(data)

    def control(self, kind):
        """The next frame, which must be of this kind. Returns its payload."""
        opcode, payload = self.peer.socket.read_frame()
        assert opcode == kind, (opcode, payload)
        return payload

    def expect_close(self, code):
        """A close frame with this code, and what follows it: the end."""
        packets = self.rest()
        closes = [payload for opcode, payload in self.peer.socket.controls if opcode == CLOSE]
        assert len(closes) == 1, self.peer.socket.controls
        assert int.from_bytes(closes[0][:2], "big") == code, closes
        return packets

    def expect_stream_end(self):
        assert self.peer.raw.receive_until_end() == b""

    def is_silent(self):
        return not self._buffer and not select.select([self.peer.raw.socket], [], [], 0)[0]
