"""A network of the test's own: a fresh network namespace, with its own loopback, addresses and range of local ports.

The test's thread enters it, so that everything that it opens or starts from then on is in there. Unix sockets that
have a path reach across.
"""
import ctypes
import os
import socket
import subprocess
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LIBC = ctypes.CDLL(None, use_errno=True)


class Network:
    def __init__(self):
        """Raises OSError where that is not allowed."""
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _call(_LIBC.unshare, _CLONE_NEWNET)
        except OSError:
            os.close(self._outside)
            raise
        _ip("link", "set", "lo", "up")

    def leave(self):
        _call(_LIBC.setns, self._outside, _CLONE_NEWNET)
        os.close(self._outside)

    def add_address(self, address):
        """Of this machine. Those of IPv4 that begin with 127 are there already."""
        _ip("address", "add", *([f"{address}/128", "nodad"] if ":" in address else [f"{address}/32"]), "dev", "lo")

    def set_local_ports(self, first, count):
        """What the kernel chooses from for connections that go out. What should not count is opened before."""
        _PORT_RANGE.write_text(f"{first} {first + count - 1}")

    def occupy(self, address, first, count):
        """Sockets that hold these ports of this address, as another program on the machine may."""
        return [_bound(address, port) for port in range(first, first + count)]


def _bound(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.bind((address, port))
    return sock


def _call(function, *arguments):
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
