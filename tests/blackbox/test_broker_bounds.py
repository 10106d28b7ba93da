"""What a client can make the broker remember has a bound."""
import select

import pytest

from environment import PATIENCE_S, scaled
from test_broker_clients import broker_config

CONNECT = bytes.fromhex("100d 0004 4d515454 04 02 0000 0001 61")  # MQTT 3.1.1, clean session, client id "a"
CONNACK = bytes.fromhex("20020000")
PINGREQ, PINGRESP = b"\xc0\x00", b"\xd0\x00"
FLOOD_BYTES = 64 << 20
STUCK_S = 1.0


@pytest.fixture
def client(run):
    broker = run("run", broker_config(1))
    made = broker.connect(broker.address("tcp"), receive_buffer_bytes=4096).socket
    made.sendall(CONNECT)
    assert made.recv(len(CONNACK)) == CONNACK
    return broker, made


def test_who_does_not_take_answers_is_not_listened_to_until_it_does(client):
    broker, sock = client
    before, sent = broker.user_memory_bytes(), 0
    sock.setblocking(False)
    while sent < FLOOD_BYTES and select.select([], [sock], [], STUCK_S)[1]:
        sent += sock.send(PINGREQ * 30_000)
    assert sent < FLOOD_BYTES
    assert broker.user_memory_bytes() - before < scaled(4 << 20, 32 << 20)
    sock.settimeout(PATIENCE_S)
    if sent % 2:  # the rest of what was cut in the middle
        sock.sendall(PINGREQ[1:])
    answers = bytearray()
    while len(answers) < (sent + 1) // 2 * 2:  # as many as it was asked
        answers += sock.recv(1 << 20)
    assert answers == PINGRESP * (len(answers) // 2)
