"""What the kernel knows about a TCP connection over IPv4 (/proc/net/tcp)."""
from pathlib import Path
from typing import NamedTuple

CLOSE_WAIT = 8  # the other side's end, and so everything it sent, has arrived
NO_TIMER = 0
KEEPALIVE_TIMER = 2
_CLOCK_TICKS_PER_S = 100


class Connection(NamedTuple):
    state: int
    timer: int
    timer_left_s: float


def connection(local_port, remote_port):
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(address.split(":")[1], 16) for address in fields[1:3]] == [local_port, remote_port]:
            timer, left = fields[5].split(":")
            return Connection(int(fields[3], 16), int(timer, 16), int(left, 16) / _CLOCK_TICKS_PER_S)
    raise AssertionError(f"no connection from port {local_port} to {remote_port}")
