"""A server as a process of its own, so that it can be killed and stopped. Prints its address when it listens.

What it does with a connection (--mode):
  echo     sends back what comes, after one line with its name
  speaker  says its name at once, then does as echo
  sink     reads everything, says nothing, and ends when the client does
  hello    says its name and ends
  closer   ends at once
  resetter resets at once
"""
import argparse
import selectors
import socket
import struct

PIECE_BYTES = 1 << 16
WAITING_BYTES_MAX = 1 << 20
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Session:
    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.waiting = b"" if server.mode in ("echo", "sink") else server.greeting
        self.greeted = server.mode != "echo"
        self.ended = server.mode == "hello"
        self.watched = 0
        self.step()

    def step(self):
        try:
            if not self.ended and len(self.waiting) < WAITING_BYTES_MAX:
                self.read()
            if self.waiting:
                self.waiting = self.waiting[self.sock.send(self.waiting):]
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        if self.ended and not self.waiting:
            return self.close()
        self.watch()

    def read(self):
        try:
            data = self.sock.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        self.ended = not data
        if data and self.server.mode != "sink":
            self.waiting += data if self.greeted else self.server.greeting + data
            self.greeted = True

    def watch(self):
        wanted = selectors.EVENT_WRITE if self.waiting else 0
        if not self.ended and len(self.waiting) < WAITING_BYTES_MAX:
            wanted |= selectors.EVENT_READ
        if wanted == self.watched:
            return
        if self.watched:
            self.server.selector.modify(self.sock, wanted, self)
        else:
            self.server.selector.register(self.sock, wanted, self)
        self.watched = wanted

    def close(self):
        if self.watched:
            self.server.selector.unregister(self.sock)
        self.sock.close()


class Server:
    def __init__(self, name, mode, sock):
        self.greeting, self.mode, self.sock = name.encode() + b"\n", mode, sock
        self.selector = selectors.DefaultSelector()
        self.selector.register(sock, selectors.EVENT_READ, self)

    def step(self):
        try:
            while True:
                sock, _ = self.sock.accept()
                if self.mode in ("closer", "resetter"):
                    self.turn_away(sock)
                    continue
                sock.setblocking(False)
                if sock.family != socket.AF_UNIX:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Session(self, sock)
        except (BlockingIOError, ConnectionAbortedError):
            pass

    def turn_away(self, sock):
        if self.mode == "resetter":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        sock.close()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                key.data.step()


def listen(where, backlog):
    host, given = where, ""
    if where.startswith("unix:"):
        sock, address = socket.socket(socket.AF_UNIX), where.removeprefix("unix:")
    elif where.startswith("["):
        host, _, given = where.rpartition("]")
        sock, address = socket.socket(socket.AF_INET6), (host.strip("["), int(given.strip(":") or 0))
        host += "]"
    else:
        host, _, given = where.partition(":")
        sock, address = socket.socket(socket.AF_INET), (host, int(given or 0))
    if given:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    if sock.family != socket.AF_UNIX:  # not before a free port was found: another may have the same idea
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.listen(backlog)
    sock.setblocking(False)
    text = where if where.startswith("unix:") else f"{host}:{sock.getsockname()[1]}"
    print(text, flush=True)
    return sock


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--mode", choices=("echo", "speaker", "sink", "hello", "closer", "resetter"), default="echo")
    parser.add_argument("--listen", default="127.0.0.1", help="127.0.0.1, [::1] or unix:/path; a port may follow")
    parser.add_argument("--backlog", type=int, default=4096)
    options = parser.parse_args()
    Server(options.name, options.mode, listen(options.listen, options.backlog)).run()


if __name__ == "__main__":
    main()
