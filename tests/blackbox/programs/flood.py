"""Clients that are not wanted: on "flood" until "rest" (standard input), batches of connects that the gateway refuses.

Says how many were refused, after each flood. Not more than PER_SECOND, so that there is CPU left for the others.
"""
import select
import socket
import sys
import time

BATCH = 100
PER_SECOND = 10000


def refused(address, source):
    """One batch, all at once. Returns how many of them saw their end."""
    poll, sockets = select.poll(), {}
    for _ in range(BATCH):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
        sock.connect_ex(address)
        sockets[sock.fileno()] = sock
        poll.register(sock, select.POLLIN | select.POLLRDHUP)
    ended = 0
    while sockets:
        for descriptor, _ in poll.poll():
            poll.unregister(descriptor)
            sockets.pop(descriptor).close()
            ended += 1
    return ended


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    source = sys.argv[2]
    for command in sys.stdin:
        assert command == "flood\n", command
        print("flooding", flush=True)
        count, start = 0, time.monotonic()
        while not select.select([sys.stdin], [], [], max(0, start + count / PER_SECOND - time.monotonic()))[0]:
            count += refused((host, int(port)), source)
        assert sys.stdin.readline() == "rest\n"
        print(count, flush=True)


if __name__ == "__main__":
    main()
