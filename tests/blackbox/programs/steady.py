"""A client with some connections who asks at a steady pace: after each line of standard input so many times.

Prints the 99th percentile of what the answers took, in microseconds.
"""
import socket
import sys
import time

PACE_S = 0.001
CONNECTIONS = 20


def connect(address):
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"x")
    greeting = b""
    while not greeting.endswith(b"\nx"):
        greeting += sock.recv(100)
    return sock


def main():
    connections = [connect(sys.argv[1]) for _ in range(CONNECTIONS)]
    print("ready", flush=True)
    for line in sys.stdin:
        took, due = [], time.perf_counter()
        for number in range(int(line)):
            sock = connections[number % CONNECTIONS]
            start = time.perf_counter()
            sock.sendall(b"0123456789abcdef")
            assert len(sock.recv(16)) == 16
            took.append(time.perf_counter() - start)
            due += PACE_S
            time.sleep(max(0.0, due - time.perf_counter()))
        took.sort()
        print(round(took[len(took) * 99 // 100] * 1e6), flush=True)


if __name__ == "__main__":
    main()
