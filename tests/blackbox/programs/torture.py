"""Conversations of two peers who behave as badly as the network allows. Imported, the client; as a program, the server.

A seed decides everything about a conversation: how much each side sends, in pieces of which sizes, with which pauses,
how slowly each reads, and how it ends. The client sends the seed first, so both sides follow the same plan. What a side
sends is made from the seed too, so that whoever receives it can check it by its length and its checksum.
"""
import asyncio
import json
import random
import socket
import sys
import struct
import zlib
from dataclasses import asdict, dataclass

SEED = struct.Struct(">Q")
SIZE_MAX = 1 << 20
FLOOD_SIZES = (5 << 20, 8 << 20)  # more than the kernel takes for a reader that stands still (tcp_wmem: 4 MiB)
STALL_S = 0.5
SLOW_RECEIVE_BUFFER_BYTES = 64 * 1024
PIECES_MAX = 100  # of a stream, so that a conversation of tiny pieces ends in time

_NOISE = random.Random(0).randbytes((1 << 20) + 7)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Side:
    """What one side does: drawn from the conversation's random numbers."""

    def __init__(self, numbers):
        self.offset = numbers.randrange(len(_NOISE))
        self.size = _log_uniform(numbers, SIZE_MAX)
        if numbers.random() < 0.1:
            self.size = 0
        self.write_max = max(_log_uniform(numbers, 64 * 1024), self.size // PIECES_MAX)
        self.pause_chance = numbers.choice([0, 0, 0.05, 0.3])
        self.slow_reader = numbers.random() < 0.2
        self.stalls = False  # reads nothing at first

    def flood(self, reader, numbers):
        """Sends so much at once that it waits for `reader`, who is slow to begin."""
        self.size = numbers.randint(*FLOOD_SIZES)
        self.write_max, self.pause_chance = 1 << 20, 0
        reader.stalls, reader.slow_reader = True, False

    def bytes_at(self, position, count):
        start = (self.offset + position) % len(_NOISE)
        return (_NOISE[start:start + count] + _NOISE[:count])[:count]

    def checksum_of_first(self, count):
        checksum, position = 0, 0
        while position < count:
            piece = self.bytes_at(position, min(65_536, count - position))
            checksum = zlib.crc32(piece, checksum)
            position += len(piece)
        return checksum


class Plan:
    """ending: who ends first and how. Whoever is not first ends in order, after the other's end has come."""

    ENDINGS = {"client_half_closes": 4, "server_half_closes": 3, "both_half_close": 3, "client_resets": 1,
               "server_resets": 1}

    def __init__(self, seed):
        self.seed = seed
        numbers = random.Random(seed)
        self.ending = numbers.choices(list(self.ENDINGS), self.ENDINGS.values())[0]
        self.client, self.server = Side(numbers), Side(numbers)
        if numbers.random() < 0.04:
            self.client.flood(self.server, numbers)
        if numbers.random() < 0.04:
            self.server.flood(self.client, numbers)
        self.pauses_seed = numbers.random()

    @property
    def orderly(self):
        return not self.ending.endswith("resets")


@dataclass
class Outcome:
    """How a conversation went for one side."""

    seed: int
    sent: int = 0
    received: int = 0
    checksum: int = 0     # of what was received
    end_came: bool = False
    broken: bool = False  # by a reset that came from the other side


class Conversation:
    def __init__(self, sock, plan, side):
        self._sock, self._plan, self._side = sock, plan, side
        self._mine = plan.client if side == "client" else plan.server
        self._numbers = random.Random(f"{plan.pauses_seed} {side}")
        self._end_came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.outcome = Outcome(plan.seed)

    async def hold(self):
        """Sends and receives at once until both ways have ended, or a reset."""
        tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
        try:
            await asyncio.gather(*tasks)
        except OSError:
            self.outcome.broken = self._plan.ending != f"{self._side}_resets"
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._sock.close()
        return self.outcome

    async def _send(self):
        mine, position = self._mine, 0
        while position < mine.size:
            count = min(self._numbers.randint(1, mine.write_max), mine.size - position)
            await self._loop.sock_sendall(self._sock, mine.bytes_at(position, count))
            position += count
            self.outcome.sent = position
            await self._maybe_pause(mine.pause_chance)
        if self._plan.ending == f"{self._side}_resets":
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            raise ConnectionResetError  # hold() closes
        if self._plan.ending not in (f"{self._side}_half_closes", "both_half_close"):
            await self._end_came.wait()
        self._sock.shutdown(socket.SHUT_WR)

    async def _receive(self):
        if self._mine.stalls:
            await asyncio.sleep(STALL_S)
        read_max = max(1000, SIZE_MAX // PIECES_MAX) if self._mine.slow_reader else 65_536
        while data := await self._loop.sock_recv(self._sock, read_max):
            self.outcome.received += len(data)
            self.outcome.checksum = zlib.crc32(data, self.outcome.checksum)
            await self._maybe_pause(0.7 if self._mine.slow_reader else 0)
        self.outcome.end_came = True
        self._end_came.set()

    async def _maybe_pause(self, chance):
        if chance and self._numbers.random() < chance:
            await asyncio.sleep(self._numbers.uniform(0, 0.02))


async def converse_with(address, seed):
    """The client's side of one conversation, from connecting to the end."""
    plan = Plan(seed)
    family, place = _place(address)
    sock = _prepare(socket.socket(family), plan.client)
    loop = asyncio.get_running_loop()
    await _connect(loop, sock, place)
    await loop.sock_sendall(sock, SEED.pack(seed))
    return await Conversation(sock, plan, "client").hold()


async def _connect(loop, sock, place):
    while True:
        try:
            return await loop.sock_connect(sock, place)
        except BlockingIOError:  # a unix socket's queue is full, and says so instead of waiting
            await asyncio.sleep(0.01)


def _place(address):
    """Family and place of "127.0.0.1:4711" or "unix:/path"."""
    if address.startswith("unix:"):
        return socket.AF_UNIX, address.removeprefix("unix:")
    host, port = address.rsplit(":", 1)
    return socket.AF_INET, (host, int(port))


async def _serve_one(sock):
    """The server's side. Prints its outcome; nothing when the client was gone before it had said anything."""
    loop = asyncio.get_running_loop()
    head = b""
    try:
        while len(head) < SEED.size:
            data = await loop.sock_recv(sock, SEED.size - len(head))
            if not data:
                return sock.close()
            head += data
    except OSError:
        return sock.close()
    plan = Plan(SEED.unpack(head)[0])
    outcome = await Conversation(_prepare(sock, plan.server), plan, "server").hold()
    print(json.dumps(asdict(outcome)), flush=True)


async def _serve(address):
    family, place = _place(address)
    listening = socket.socket(family)
    listening.bind(place)
    listening.listen(1024)
    listening.setblocking(False)
    print(address if family == socket.AF_UNIX else "127.0.0.1:%d" % listening.getsockname()[1], flush=True)
    sessions = set()
    while True:
        sock, _ = await asyncio.get_running_loop().sock_accept(listening)
        session = asyncio.create_task(_serve_one(sock))
        sessions.add(session)
        session.add_done_callback(sessions.discard)


def _prepare(sock, side):
    sock.setblocking(False)
    if side.slow_reader:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BUFFER_BYTES)
    return sock


def _log_uniform(numbers, most):
    return int(most ** numbers.random())


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
