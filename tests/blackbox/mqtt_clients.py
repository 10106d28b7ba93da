"""`holdfast publish`, `subscribe` and `request` as processes, and a few bytes of MQTT for servers of the test."""
import json
import signal
import subprocess

from environment import BINARY, PATIENCE_S, wait_until
from gateway import Lines

# What a server says, in MQTT 5.
CONNACK = bytes([0x20, 3, 0, 0, 0])
PINGREQ, PINGRESP = bytes([0xC0, 0]), bytes([0xD0, 0])
DISCONNECT = bytes([0xE0, 0])


class Client:
    """A client that runs until it is told to end, or ends by itself."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen([BINARY, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        self._output, self._notes = Lines(self._process.stdout), Lines(self._process.stderr)

    def wait_note(self, text, times=1):
        """Until it has said on standard error what the test waits for. With --verbose it says more."""
        wait_until(lambda: sum(text in line for line in self._notes.all()) >= times,
                   lambda: f"{text!r}; it said {self._notes.all()}, {self._output.all()}")
        return self

    def wait_lines(self, count):
        wait_until(lambda: len(self.lines()) >= count, lambda: f"{count} lines; {self.lines()}, {self._notes.all()}")
        return self.lines()

    def lines(self):
        return self._output.all()

    def messages(self):
        return [json.loads(line) for line in self.lines()]

    def notes(self):
        return self._notes.all()

    def give(self, text):
        """To its standard input."""
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def end_input(self):
        self._process.stdin.close()

    def signal(self, number=signal.SIGINT):
        self._process.send_signal(number)
        return self

    def finish(self):
        """Waits for its end. Returns its exit status."""
        status = self._process.wait(PATIENCE_S)
        for each in (self._output, self._notes):
            each.close()
        return status

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        if not self._process.stdin.closed:
            self._process.stdin.close()


def receive_packet(peer):
    """One packet of a client: the first byte, and what follows the length."""
    first, length, shift = peer.receive(1)[0], 0, 0
    while True:
        byte = peer.receive(1)[0]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return first, peer.receive(length) if length else b""
        shift += 7


def accept_client(peer, connack=CONNACK):
    """The CONNECT of a client, answered."""
    first, body = receive_packet(peer)
    assert first == 0x10 and body[:6] == b"\x00\x04MQTT"
    peer.send(connack)
    return body
