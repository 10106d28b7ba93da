"""One end of a connection: a client of the gateway, or what a hand-held server accepted. Both do what they are told.

Every call that waits has a deadline (PATIENCE_S); missing it fails the test.
"""
import select
import socket
import struct

from environment import PATIENCE_S

_BIND_ADDRESS_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT: the port is only taken towards where it connects to
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def socket_address(text):
    """("127.0.0.1:80", "[::1]:80" or "unix:/path") -> (family, what Python's socket functions take)."""
    if text.startswith("unix:"):
        return socket.AF_UNIX, text.removeprefix("unix:")
    host, port = text.rsplit(":", 1)
    if host.startswith("["):
        return socket.AF_INET6, (host.strip("[]"), int(port))
    return socket.AF_INET, (host, int(port))


def connect(address, source="", receive_buffer_bytes=0):
    """A peer that is connected to `address` (text). `source`: the local IP address."""
    family, where = socket_address(address)
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    sock.settimeout(PATIENCE_S)
    try:
        if source:
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
        sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return Peer(sock)


class Peer:
    def __init__(self, sock):
        self.socket = sock
        sock.settimeout(PATIENCE_S)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._served_by = None

    @property
    def local_address(self):
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def local_port(self):
        return self.socket.getsockname()[1]

    @property
    def remote_port(self):
        return self.socket.getpeername()[1]

    def send(self, data):
        self.socket.sendall(data)

    def send_until_blocked(self, data, quiet_s=0.3):
        """Sends until nothing more is taken for `quiet_s`. Returns how many bytes went out."""
        view, sent = memoryview(data), 0
        while sent < len(view) and select.select([], [self.socket], [], quiet_s)[1]:
            try:
                sent += self.socket.send(view[sent:], socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass
        return sent

    def receive(self, count):
        """Exactly `count` bytes."""
        pieces, missing = [], count
        while missing > 0:
            piece = self.socket.recv(min(missing, 1 << 20))
            assert piece, f"the stream ended {missing} bytes too early"
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def receive_line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self.receive(1)
        return line

    def receive_until_end(self, piece_bytes=1 << 20):
        """Everything until the orderly end of the stream."""
        pieces = []
        while piece := self.socket.recv(piece_bytes):
            pieces.append(piece)
        return b"".join(pieces)

    def expect_end(self):
        """Nothing more comes, and the stream ends in order."""
        data = self.socket.recv(1)
        assert data == b"", f"{data!r} came instead of the end"

    def expect_reset(self):
        try:
            data = self.socket.recv(1)
        except ConnectionResetError:
            return
        raise AssertionError(f"{data!r} came instead of a reset")

    def nothing_came(self):
        """True while neither bytes nor an end have arrived."""
        return not select.select([self.socket], [], [], 0)[0]

    # What the echo servers of servers.py speak: the first reply begins with a line that has the server's name.
    @property
    def served_by(self):
        if self._served_by is None:
            self.ask(b"who?")
        return self._served_by

    def ask(self, data):
        """Sends `data`, returns what came back for it."""
        self.send(data)
        if self._served_by is None:
            self.receive_name()
        return self.receive(len(data))

    def receive_name(self):
        """For a test that sends to many before it reads: what the first reply begins with."""
        self._served_by = self.receive_line().decode().rstrip()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.socket.close()

    def close(self):
        self.socket.close()
