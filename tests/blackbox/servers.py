"""The servers behind the gateway. Each has `address`, and `entry()`: its [[pool.server]]."""
import errno
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from environment import PATIENCE_S, wait_until
from peers import Peer

_ECHO_SERVER = Path(__file__).parent / "programs" / "echo_server.py"
_TCP_ESTABLISHED = 1


class _Named:
    """A [[pool.server]] with what the test wants in it: `server.entry(weight=0)`."""

    def entry(self, **more):
        return {"name": self.name, "address": self.address, **more}


class EchoServer(_Named):
    """A process that can be killed (-9), stopped and continued. The modes are those of programs/echo_server.py."""

    def __init__(self, name, mode="echo", listen="127.0.0.1", backlog=4096):
        self.name = name
        self._filling = []
        self._options = {"mode": mode, "backlog": backlog}
        self._place = None
        if not listen.startswith("unix:"):
            self._place, listen = _reserved(listen)
        self._start(listen)
        self.port = self.address.rsplit(":", 1)[1]

    def _start(self, listen):
        options = [text for key, value in {**self._options, "listen": listen}.items()
                   for text in (f"--{key}", str(value))]
        command = [sys.executable, "-I", "-S", str(_ECHO_SERVER), "--name", self.name, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        self.address = self._process.stdout.readline().strip()
        assert self.address, "the echo server did not start"

    def restart(self, mode=None):
        """Ends it, when it still runs, and starts it again at the same address; in another mode, if that is said."""
        self.kill()
        self._process.stdout.close()
        self._options["mode"] = mode or self._options["mode"]
        self._start(self.address)

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def stop(self):
        self._process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self._process.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", f"{self.name} stops")

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def fill_backlog(self):
        """For a stopped server with backlog 0: takes the one place in its queue; a next client gets no answer."""
        self._filling = fill_backlog(self.address)

    def close(self):
        for each in self._filling:
            each.close()
        self.kill()
        self._process.stdout.close()
        if self._place:
            self._place.close()


def _reserved(host):
    """A socket that does not listen, and its address: while it is there, no connection is given its port, not even
    while the server that listens there is being restarted."""
    sock = socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host.strip("[]"), 0))
    return sock, f"{host}:{sock.getsockname()[1]}"


class RefusingServer(_Named):
    """Has a port, and refuses every connection to it."""

    def __init__(self, name):
        self.name = name
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


class SilentServer(_Named):
    """Answers no SYN: its backlog is full and it accepts nothing."""

    def __init__(self, name):
        self.name = name
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(0)
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self._filling = fill_backlog(self.address)

    def close(self):
        for each in self._filling:
            each.close()
        self._socket.close()


class ScriptedServer(_Named):
    """Lives in the test: `serve(peer)` is called for each connection, on a thread of its own, which then closes it.

    `serve` may be exchanged at any time. A peer that goes away, or is late, ends its thread and nothing else.
    """

    def __init__(self, name, serve, host="127.0.0.1"):
        self.name, self.serve = name, serve
        self._peers, self._over = [], threading.Event()
        self._socket = socket.socket()
        self._socket.bind((host, 0))
        self._socket.listen(4096)
        self.port = self._socket.getsockname()[1]
        self.address = f"{host}:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while not self._over.is_set():
            try:
                peer = Peer(self._socket.accept()[0])
            except OSError:
                return
            self._peers = [each for each in self._peers if each.socket.fileno() >= 0] + [peer]
            threading.Thread(target=self._serve, args=[peer], daemon=True).start()

    def _serve(self, peer):
        try:
            self.serve(peer)
        except (OSError, AssertionError):
            pass
        peer.close()

    def until_over(self):
        """For a `serve` that keeps its peer waiting."""
        self._over.wait(PATIENCE_S)

    def close(self):
        if self._over.is_set():
            return
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(PATIENCE_S)
        for each in self._peers:
            each.close()


class HandServer(_Named):
    """Lives in the test, which does every step of it: accept() gives the server's end of a connection.

    `at_end(call)` makes the test's end call something, before it ends what was started earlier.
    """

    def __init__(self, name, at_end, receive_buffer_bytes=0):
        self.name = name
        self._at_end = at_end
        self._socket = socket.socket()
        if receive_buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1024)
        self._socket.settimeout(PATIENCE_S)
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self.port = self._socket.getsockname()[1]

    def accept(self):
        peer = Peer(self._socket.accept()[0])
        self._at_end(peer.close)
        return peer

    def close(self):
        self._socket.close()


class CountingServer(_Named):
    """Accepts everything, reads it, and says how many connections it has at once: `live`, `most_live`, `accepted_at`.

    An end that came before a connection did is counted before it, so `most_live` is never more than there were.
    """

    def __init__(self, name):
        self.name = name
        self.live, self.most_live, self.accepted_at = 0, 0, []
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(4096)
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self._closing, self._connections = threading.Event(), []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._closing.is_set():
            if not select.select([self._socket, *self._connections], [], [], 0.05)[0]:
                continue
            arrived = self._accept_waiting()
            self._connections = [each for each in self._connections if not _has_ended(each)]
            self._connections += arrived
            self.live = len(self._connections)
            self.most_live = max(self.most_live, self.live)

    def _accept_waiting(self):
        """At most one: between two connections the ends are looked at."""
        if not select.select([self._socket], [], [], 0)[0]:
            return []
        sock = self._socket.accept()[0]
        self.accepted_at.append(time.monotonic())
        return [sock]

    def close(self):
        self._closing.set()
        self._thread.join(PATIENCE_S)
        for each in [*self._connections, self._socket]:
            each.close()


def _has_ended(sock):
    try:
        if sock.recv(1 << 16, socket.MSG_DONTWAIT):
            return False
    except BlockingIOError:
        return False
    except OSError:
        pass
    sock.close()
    return True


def fill_backlog(address):
    """Occupies the queue of a listening socket with backlog 0 that nobody accepts from. The sockets must be kept."""
    host, port = address.rsplit(":", 1)
    sockets = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        assert sock.connect_ex((host, int(port))) in (0, errno.EINPROGRESS)
        sockets.append(sock)
    wait_until(lambda: any(_is_established(each) for each in sockets), f"the backlog of {address} is full")
    return sockets


def _is_established(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_ESTABLISHED
