"""What the broker does when clients are slow, stopped, rude, dead or too many, and when it is stopped itself."""
import os
import random
import select
import signal
import socket
import threading
import time
from collections import Counter

import pytest

import mqtt_packets as mqtt
import proxy_headers
import websocket_client as ws
from broker_process import at_once, listener
from environment import PATIENCE_S, SANITIZED, SEED, scaled, wait_until
from gateway import ENDED_AT_ONCE
from mqtt_client import fresh
from mqtt_packets import V5, V311
from test_broker_features import HASH, users_file

_TCP_REPAIR = 19
MEGABYTE = 1 << 20


def kept(expiry=300):
    """What a client says that wants its session kept."""
    return dict(clean=False, properties={"session_expiry": expiry})


def memory_while(broker, work, stable_bytes):
    """Does work() and returns its result; the memory of the broker must not grow by more than this meanwhile."""
    before, most, done = broker.gateway.user_memory_bytes(), [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], broker.gateway.user_memory_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    grown = max(most[0], broker.gateway.user_memory_bytes()) - before
    assert SANITIZED or grown <= stable_bytes, f"grown by {grown / MEGABYTE:.1f} MiB"
    return result


# --- one client id, many connections ---


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_of_100_connects_with_one_client_id_one_stays(broker_process, workers):
    broker = broker_process(workers=workers, listeners=[listener("w", "websocket")])
    topic, sender = fresh(), broker.connect(keep_alive=0)
    first = broker.connect("one", **kept())
    first.subscribe(topic)
    sender.publish(topic, b"before")
    first.expect("PUBLISH")  # and does not acknowledge it

    def come(number):
        client = broker.websocket() if number % 5 == 4 else broker.client(V5 if number % 3 else V311)
        client.send_connect("one", **kept())
        client.answer = client.expect("CONNACK")
        return client

    clients = [first, *at_once(100, come, threads=50)]
    broker.gateway.wait_metric("holdfast_broker_clients", 2)
    broker.gateway.wait_metric("holdfast_broker_sessions", 2)
    broker.gateway.wait_metric("holdfast_broker_subscriptions", 1)
    sender.publish(topic, b"after")
    left = []
    for each in clients[1:]:
        packets = []
        try:
            while True:
                packets.append(each.receive())
                if packets[-1].kind == "PUBLISH" and packets[-1].payload == b"after":
                    left.append((each, packets))
                    break
        except (AssertionError, ConnectionResetError):
            pass
    (stayed, packets), = left
    assert stayed.answer.session_present
    assert [(each.payload, each.dup) for each in packets] == [(b"before", True), (b"after", False)]


@pytest.mark.parametrize("workers", [1, 3])
def test_clients_that_take_each_other_over_again_and_again(broker_process, workers):
    broker = broker_process(workers=workers)
    names = [fresh() for _ in range(3)]

    def come(number):
        rng = random.Random(number)
        client = broker.client(rng.choice([V311, V5]))
        client.send_connect(rng.choice(names), clean=rng.random() < 0.3, will=dict(topic="will"),
                            **(dict(properties={"session_expiry": rng.choice([0, 300])}) if client.version == V5 else {}))
        if rng.random() < 0.3:
            client.peer.reset()
        elif rng.random() < 0.5:
            client.send(mqtt.subscribe(1, ("will", 1), (f"$share/g/{number % 4}", 1), version=client.version))
        return client

    at_once(scaled(400, 150), come, threads=20)
    broker.close_clients()

    def swept():
        """A CONNECT that is read only now may leave a session again, or be the newer one: then another round."""
        for name in names:
            client = broker.client(V311)
            client.send_connect(name)
            client.send(mqtt.disconnect())
            client.rest()
            client.close()
        return broker.gateway.metric("holdfast_broker_sessions") == 0

    wait_until(swept, "no session is left")
    broker.wait_gone()


# --- clients that go without a word ---


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_of_a_process_that_is_killed(broker_process, workers):
    broker = broker_process(workers=workers)
    watcher, count = broker.watcher("will/#", client_id="watcher"), 30
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            clients = [broker.connect(f"k{i}", will=dict(topic=f"will/{i}", qos=1)) for i in range(count)]
            for each in clients:
                each.subscribe("x/#")
            os.write(writing, b"!")
            time.sleep(1000)
        finally:
            os._exit(1)
    assert select.select([reading], [], [], PATIENCE_S)[0] and os.read(reading, 1) == b"!"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert {watcher.message().topic for _ in range(count)} == {f"will/{i}" for i in range(count)}
    watcher.leave()
    broker.wait_gone()


def test_a_reset_is_a_loss(broker_process):
    broker = broker_process()
    watcher = broker.watcher("will")
    client = broker.connect(will=dict(topic="will", payload=b"gone"))
    client.peer.reset()
    assert watcher.message().payload == b"gone"
    broker.gateway.wait_metric("holdfast_closed_total", 1, reason="client_reset")


@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
def test_a_silent_client_is_given_up_when_its_keep_alive_is_over(broker_process, kind):
    broker = broker_process(workers=2, listeners=[listener("w", "websocket")])
    watcher = broker.watcher("will")
    client = broker.websocket() if kind == "websocket" else broker.client()
    begun = time.monotonic()
    client.connect(keep_alive=1, will=dict(topic="will", payload=b"gone"))
    assert watcher.message().payload == b"gone"
    assert 1.4 <= time.monotonic() - begun < 10
    assert [each.reason for each in client.rest()] == [mqtt.SILENT]
    client.close()
    broker.gateway.wait_metric("holdfast_closed_total", 1, reason="keep_alive_timeout")


def test_a_client_whose_machine_has_gone_is_given_up(broker_process):
    broker = broker_process()
    watcher = broker.watcher("will")
    client = broker.connect(keep_alive=1, will=dict(topic="will", payload=b"gone"))
    try:
        client.peer.socket.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)  # closed like this it says nothing
    except OSError as error:
        pytest.skip(f"no TCP_REPAIR: {error}")
    client.peer.socket.close()
    assert watcher.message().payload == b"gone"
    broker.gateway.wait_metric("holdfast_connections", 1)


def test_a_client_that_resets_while_it_is_made_to_wait_is_missed_at_once(broker_process):
    broker = broker_process(listener=dict(message_rate="1/h", message_burst=1), listeners=[listener("free")])
    watcher = broker.client(listener="free")
    watcher.connect()
    watcher.subscribe("#")
    client = broker.connect(will=dict(topic="will"))
    client.send(*(mqtt.publish("t", b"x") for _ in range(50)))
    watcher.messages(1)
    client.peer.reset()
    assert watcher.message().topic == "will"


# --- clients that are slow ---


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_stopped_subscriber_harms_nobody_else(broker_process, workers, qos):
    broker = broker_process(workers=workers, broker={"sys_interval": "0s", "queue": {"max_length": 500, "max_bytes": "1MiB"}})
    topic, count, size = fresh(), scaled(20_000, 4_000), 2000
    stopped = [broker.connect(keep_alive=0) for _ in range(2)]
    for each in stopped:
        each.peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.subscribe(topic, qos=qos)
    fast, sender = broker.watcher(topic), broker.connect(keep_alive=0)
    before = broker.gateway.metrics()

    def work():
        for begin in range(0, count, 100):
            sender.send(*(mqtt.publish(topic, b"%06d" % number + bytes(size), qos=qos,
                                       packet_id=number % 900 + 1 if qos else None)
                          for number in range(begin, begin + 100)))
            got = fast.messages(100)
            assert [int(each.payload[:6]) for each in got] == list(range(begin, begin + 100))
            for _ in range(100 if qos else 0):
                sender.expect("PUBACK")

    memory_while(broker, work, stable_bytes=16 * MEGABYTE)

    def difference(name, **labels):
        return broker.gateway.metric(name, **labels) - before.value(name, **labels)

    def accounted():
        alive = broker.gateway.metric("holdfast_broker_messages_alive")
        return difference("holdfast_broker_messages_sent_total") + difference("holdfast_broker_dropped_total") + 2 * alive >= 3 * count

    wait_until(accounted, lambda: broker.gateway.metrics().samples)
    assert difference("holdfast_broker_dropped_total") > 0
    for each in stopped:
        each.close()
    broker.gateway.wait_metric("holdfast_broker_messages_alive", 0)
    total = difference("holdfast_broker_messages_sent_total") + difference("holdfast_broker_dropped_total")
    assert total >= 3 * count  # what was sent and not acknowledged is dropped with its session, too


@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_reader_gets_large_messages_whole(broker_process, kind, workers):
    broker = broker_process(workers=workers, listener=dict(packet_size_max="4MiB"),
                            listeners=[listener("w", "websocket", packet_size_max="4MiB")],
                            broker={"queue": {"max_bytes": "64MiB"}})
    topic, sender = fresh(), broker.connect()
    client = broker.websocket() if kind == "websocket" else broker.client()
    client.connect()
    client.subscribe(topic, qos=1)
    payloads = [bytes([number]) * size for number, size in enumerate([MEGABYTE, 10, 3 * MEGABYTE, 8192, 8193, 70_000] * 3)]
    for number, payload in enumerate(payloads):
        sender.publish(topic, payload)
        if number % 3 == 0:
            client.send(mqtt.PINGREQ)  # an answer in between
    got = []
    while len(got) < len(payloads):
        packet = client.receive()
        if packet.kind == "PUBLISH":
            got.append(packet.payload)
            client.acknowledge(packet)
        else:
            assert packet.kind == "PINGRESP"
    assert got == payloads


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
def test_a_publisher_faster_than_all_its_subscribers(broker_process, workers, when_full):
    broker = broker_process(workers=workers, broker={"queue": {"max_length": 50, "when_full": when_full}})
    topic, count = fresh(), scaled(5_000, 1_500)
    subscribers = [broker.connect(keep_alive=0) for _ in range(3)]
    for each in subscribers:
        each.subscribe(topic, qos=1)
    sender = broker.connect(keep_alive=0)
    for begin in range(0, count, 500):
        sender.send(*(mqtt.publish(topic, b"%d" % number, qos=1, packet_id=number % 900 + 1)
                      for number in range(begin, begin + 500)))
        for _ in range(500):
            sender.expect("PUBACK")
    page = broker.gateway.wait_metric  # all of it is with the sessions now, or lost
    numbers = []
    for each in subscribers:
        mine = []
        while packets := each.until_pong():
            for packet in packets:
                each.acknowledge(packet)
                mine.append(int(packet.payload))
        assert mine == sorted(set(mine)), "in order, and each once"
        numbers += mine
    assert page("holdfast_broker_dropped_total", 3 * count - len(numbers), reason="queue_full") > 0
    oldest = [int(n) for n in range(32)]
    assert set(oldest) <= set(numbers)
    assert (count - 1 in numbers) == (when_full == "drop_oldest")


@pytest.mark.parametrize("version", [V311, V5])
def test_a_client_for_which_too_much_waits_may_be_disconnected(broker_process, version):
    broker = broker_process(broker={"queue": {"max_length": 10, "when_full": "disconnect"}})
    topic = fresh()
    slow, sender = broker.connect(version=version), broker.connect()
    slow.subscribe(topic, qos=1)
    for number in range(60):
        sender.publish(topic, b"%d" % number)
    ends = [each.reason for each in slow.rest() if each.kind == "DISCONNECT"]
    assert ends == ([mqtt.QUOTA] if version == V5 else [])
    slow.close()
    broker.gateway.wait_metric("holdfast_closed_total", 1, reason="queue_full")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_subscriber_to_20000_retained_messages(broker_process, workers):
    broker = broker_process(workers=workers, broker={"sys_interval": "0s"})
    count, sender = scaled(20_000, 5_000), broker.connect(keep_alive=0)
    for begin in range(0, count, 500):
        sender.send(*(mqtt.publish(f"r/{n % 100}/{n}", bytes(500), qos=1, packet_id=n % 900 + 1, retain=True)
                      for n in range(begin, begin + 500)))
        for _ in range(500):
            sender.expect("PUBACK")
    slow, other = broker.connect(keep_alive=0), broker.watcher("other")

    def work():
        slow.send(mqtt.subscribe(1, ("r/#", 1)))
        seen = set()
        assert slow.expect("SUBACK").codes == (1,)
        while len(seen) < count:
            if len(seen) % 1000 == 0:
                sender.send_publish("other", b"%d" % len(seen))
                assert int(other.message().payload) == len(seen)
            packet = slow.message()
            assert packet.retain and packet.topic not in seen
            seen.add(packet.topic)
        assert slow.until_pong() == []

    memory_while(broker, work, stable_bytes=8 * MEGABYTE)
    broker.gateway.wait_metric("holdfast_broker_retained_messages", count)


def test_who_takes_no_answers_is_not_listened_to(broker_process):
    broker = broker_process(workers=2)
    witness = broker.watcher("x")
    deaf = broker.connect(keep_alive=0)
    deaf.peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def work():
        return deaf.peer.send_until_blocked(mqtt.PINGREQ * (64 * MEGABYTE // 2))

    sent = memory_while(broker, work, stable_bytes=8 * MEGABYTE)
    assert sent < 48 * MEGABYTE
    witness.ping()
    deaf.close()
    broker.gateway.wait_metric("holdfast_broker_clients", 1)


def test_a_client_that_takes_its_answers_late_gets_them_all(broker_process):
    broker = broker_process()
    late = broker.connect(keep_alive=0)
    sent = late.peer.send_until_blocked(mqtt.PINGREQ * (32 * MEGABYTE // 2))
    answers = 0
    while answers < sent // 2 * 2:
        piece = late.peer.socket.recv(1 << 20)
        assert piece
        answers += len(piece)
    assert answers == sent // 2 * 2


# --- nonsense ---


def all_listeners():
    return [listener("w", "websocket"), listener("p", proxy_protocol="required"),
            listener("o", "websocket", proxy_protocol="optional")]


def test_garbage_to_every_listener(broker_process):
    print(f"HOLDFAST_SEED={SEED}")
    broker = broker_process(workers=2, listeners=all_listeners())
    witness, rng = broker.watcher("witness"), random.Random(SEED)
    descriptors = broker.gateway.descriptors()
    begins = {"m": [b"", mqtt.connect("m")], "p": [b"", proxy_headers.v1("192.0.2.1:1", "192.0.2.2:2") + mqtt.connect("p")],
              "w": [b"", ws.request(), ws.request() + ws.frame(ws.BINARY, mqtt.connect("w")), ws.request() + b"\x82\xff"],
              "o": [b"", ws.request() + ws.frame(ws.BINARY, mqtt.connect("o"))]}
    for _ in range(scaled(400, 150)):
        name = rng.choice(list(begins))
        client = broker.client(listener=name)
        try:
            client.peer.send(rng.choice(begins[name]))
            for _ in range(rng.randrange(3)):
                client.peer.send(rng.randbytes(rng.choice([1, 10, 100, 5000])))
        except OSError:
            pass  # it was refused already
        client.peer.reset() if rng.random() < 0.3 else client.close()
    witness.publish("else", b"x")
    broker.gateway.wait_metric("holdfast_connections", 1)
    broker.gateway.wait_metric("holdfast_broker_clients", 1)
    wait_until(lambda: broker.gateway.descriptors() <= descriptors, "every descriptor is closed")
    witness.leave()
    broker.wait_gone()


PACKETS = {
    "CONNECT": mqtt.connect("cut", user="u", password="p", properties={"session_expiry": 10, "user_property": ("a", "b")},
                            will=dict(topic="will", payload=b"will", qos=1, properties={"will_delay": 1})),
    "PUBLISH": mqtt.publish("cut/x", b"payload", qos=2, packet_id=3, properties={"topic_alias": 3, "content_type": "text"}),
    "SUBSCRIBE": mqtt.subscribe(4, ("cut/#", 1), ("$share/g/cut/+", 2), properties={"subscription_id": 5}),
    "UNSUBSCRIBE": mqtt.unsubscribe(5, "cut/#", "other"),
    "PUBREL": mqtt.ack("PUBREL", 3, 0, {"reason_string": "because"}),
    "DISCONNECT": mqtt.disconnect(4, {"session_expiry": 0, "reason_string": "bye"}),
    "AUTH": mqtt.ending("AUTH", 0x18, {"auth_method": "m"}),
    "PINGREQ": mqtt.PINGREQ,
}


@pytest.mark.parametrize("name", ["m", "w"])
def test_every_packet_cut_at_every_byte(broker_process, name):
    broker = broker_process(workers=2, listeners=[listener("w", "websocket")])
    witness = broker.watcher("witness")
    descriptors = broker.gateway.descriptors()

    def cut(kind, at, ending):
        client = broker.client(listener=name)
        whole = PACKETS[kind][:at] if kind == "CONNECT" else mqtt.connect(f"{kind}{at}") + PACKETS[kind][:at]
        if name == "w":
            framed = ws.frame(ws.BINARY, whole)
            client.peer.send(ws.request() + (framed if at % 2 else framed[:-1]))
        else:
            client.peer.send(whole)
        ending(client)

    endings = [lambda client: client.close(), lambda client: client.peer.reset(),
               lambda client: (client.half_close(), client.rest() if name == "m" else client.peer.receive_until_end())]
    for kind, packet in PACKETS.items():
        for at in range(1, len(packet) + 1):
            cut(kind, at, endings[at % 3])
    for at in range(1, len(ws.request(key="0" * 24)) if name == "w" else 0, 5):
        client = broker.client(listener="w")
        client.peer.send(ws.request(key="0" * 24)[:at])
        client.close()
    witness.ping()
    broker.gateway.wait_metric("holdfast_connections", 1)
    wait_until(lambda: broker.gateway.descriptors() <= descriptors, "every descriptor is closed")
    witness.leave()
    broker.connect("cut").leave()  # its session was to stay
    broker.wait_gone()


# --- everything at once ---


class Wild:
    """A client that does something at random, and acknowledges what it gets unless it has gone meanwhile."""

    def __init__(self, broker, rng):
        self.broker, self.rng, self.client, self.counter = broker, rng, None, 0

    def act(self):
        if self.client is None:
            return self._come()
        try:
            self.rng.choices([self._subscribe, self._publish, self._take, self._unsubscribe, self._go],
                             [2, 6, 5, 1, 2])[0]()
        except (OSError, AssertionError):
            self._forget()

    def _come(self):
        rng = self.rng
        over_websocket = rng.random() < 0.2
        self.client = self.broker.websocket() if over_websocket else self.broker.client(rng.choice([V311, V5]))
        self.buffer = bytearray()
        options = dict(clean=rng.random() < 0.5, keep_alive=rng.choice([0, 60]))
        if self.client.version == V5:
            options["properties"] = {"session_expiry": rng.choice([0, 0, 600]), "receive_maximum": rng.choice([1, 10, 1000])}
        if rng.random() < 0.5:
            options["will"] = dict(topic=f"s/{rng.randrange(9)}", payload=b"will", qos=rng.randrange(3),
                                   retain=rng.random() < 0.3)
        self.client.send_connect(f"wild{rng.randrange(600)}", **options)

    def _filter(self):
        rng = self.rng
        return rng.choice([f"s/{rng.randrange(9)}", "s/+", "s/#", f"$share/g{rng.randrange(3)}/s/{rng.randrange(9)}",
                           "$share/all/s/#", f"own/{rng.randrange(600)}/#", "$SYS/brokers/+/clients/#"])

    def _subscribe(self):
        self.counter += 1
        self.client.send(mqtt.subscribe(self.counter, (self._filter(), self.rng.randrange(3)), version=self.client.version))

    def _unsubscribe(self):
        self.counter += 1
        self.client.send(mqtt.unsubscribe(self.counter, self._filter(), version=self.client.version))

    def _publish(self):
        rng, qos = self.rng, self.rng.randrange(2)
        self.counter += 1
        topic = rng.choice([f"s/{rng.randrange(9)}", f"own/{rng.randrange(600)}/x"])
        self.client.send(mqtt.publish(topic, bytes(rng.choice([0, 10, 1000, 20_000])), version=self.client.version, qos=qos,
                                      packet_id=self.counter if qos else None, retain=rng.random() < 0.1))

    def _take(self):
        sock = self.client.peer.socket
        if not select.select([sock], [], [], 0)[0]:
            return
        piece = sock.recv(1 << 16)
        if not piece:
            return self._forget()
        self.buffer += piece
        answers = []
        while found := mqtt.take(self.buffer, self.client.version):
            del self.buffer[:found[1]]
            packet = found[0]
            if packet.kind == "PUBLISH" and packet.qos:
                answers.append(mqtt.ack("PUBACK" if packet.qos == 1 else "PUBREC", packet.packet_id))
            elif packet.kind == "PUBREL":
                answers.append(mqtt.ack("PUBCOMP", packet.packet_id))
        if answers:
            self.client.send(*answers)

    def _go(self):
        how = self.rng.randrange(4)
        if how == 0:
            self.client.send(mqtt.packet("DISCONNECT"))
        elif how == 1 and hasattr(self.client.peer, "reset"):
            self.client.peer.reset()
        elif how == 2:
            self.client.half_close() if hasattr(self.client.peer, "reset") else self.client.close()
        self._forget()

    def _forget(self):
        if self.client is not None:
            self.client.close()
        self.client = None


def stormy(broker_process, workers):
    return broker_process(workers=workers, listeners=[listener("w", "websocket")], broker={"sys_interval": "0s"},
                          log={"format": "json", "connections": False})


def storm(broker, clients, seconds):
    """`clients` wild ones for so long, then all of them go. What they left is taken away."""
    print(f"HOLDFAST_SEED={SEED}")
    descriptors = broker.gateway.descriptors()
    deadline, threads = time.monotonic() + seconds, 8

    def rage(number):
        rng = random.Random(SEED + number)
        herd = [Wild(broker, rng) for _ in range(clients // threads)]
        actions = 0
        while time.monotonic() < deadline or actions <= clients // threads:
            rng.choice(herd).act()
            actions += 1
            if actions % 2000 == 0:
                broker._clients[:] = [each for each in broker._clients if each.peer.socket.fileno() >= 0]
        for each in herd:
            each._forget()
        return actions

    actions = sum(at_once(threads, rage, threads))
    assert actions > clients
    broker.gateway.wait_metric("holdfast_connections", 0)
    broker.gateway.wait_metric("holdfast_broker_clients", 0)
    wait_until(lambda: broker.gateway.descriptors() <= descriptors, "every descriptor is closed")
    at_once(600, lambda number: broker.connect(f"wild{number}").leave(), threads)
    broker.wait_gone()
    cleaner = broker.connect()
    for topic in [f"s/{n}" for n in range(9)] + [f"own/{n}/x" for n in range(600)]:
        cleaner.send_publish(topic, retain=True)
    cleaner.leave()
    broker.gateway.wait_metric("holdfast_broker_retained_messages", 0)
    broker.gateway.wait_metric("holdfast_broker_messages_alive", lambda left: left <= 609)  # what was removed is noted


@pytest.mark.parametrize("workers", [1, 3])
def test_clients_that_come_and_go_at_random(broker_process, workers):
    storm(stormy(broker_process, workers),
          scaled(300, 150), 2)


@pytest.mark.slow
@pytest.mark.torture
@pytest.mark.parametrize("workers", [2, 3])
def test_1000_clients_that_come_and_go_at_random(broker_process, workers):
    if not os.environ.get("HOLDFAST_STORM_S"):
        pytest.skip("HOLDFAST_STORM_S says for how many seconds")
    storm(stormy(broker_process, workers),
          1000, float(os.environ["HOLDFAST_STORM_S"]))


# --- the end ---


class Load:
    """Publishers and subscribers that go on until they are cut off."""

    def __init__(self, broker, pairs=6):
        self.topic, self.lasts, self.ready = fresh(), [], threading.Semaphore(0)
        self.threads = [threading.Thread(target=self._work, args=(broker.client(V5 if number % 3 else V311),))
                        for number in range(2 * pairs)]
        for each in self.threads:
            each.start()
        for _ in self.threads:
            assert self.ready.acquire(timeout=PATIENCE_S)

    def _work(self, client):
        packets = []
        try:
            client.connect()
            client.send(mqtt.subscribe(1, (self.topic, 0), version=client.version))
            while client.receive().kind != "SUBACK":
                pass
            self.ready.release()
            while True:
                client.send_publish(self.topic, bytes(100))
                client.send(mqtt.PINGREQ)
                packets = [client.receive()]
                while packets[0].kind != "PINGRESP":
                    packets = [client.receive()]
        except (AssertionError, OSError):
            while found := mqtt.take(client._buffer, client.version):
                del client._buffer[:found[1]]
                packets.append(found[0])
            try:
                packets += client.rest()
            except (AssertionError, OSError):
                pass
        if client.version == V5:
            self.lasts.append(packets[-1] if packets else None)

    def join(self):
        for each in self.threads:
            each.join(PATIENCE_S)
            assert not each.is_alive()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("number, wanted", [(signal.SIGTERM, 0), (signal.SIGINT, None)])
def test_a_stop_under_load(broker_process, workers, number, wanted):
    broker = broker_process(workers=workers, listeners=[listener("w", "websocket")])
    load, web, quiet = Load(broker), broker.websocket(), broker.connect(keep_alive=0)
    web.connect()
    stopped, waiting = broker.connect(keep_alive=0), broker.client()
    stopped.peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stopped.subscribe(load.topic)
    broker.gateway.signal(number)
    assert [each.reason for each in quiet.rest()] == [mqtt.SHUTTING_DOWN]
    assert [each.reason for each in web.expect_close(1001)] == [mqtt.SHUTTING_DOWN]
    load.join()
    assert waiting.rest() == []
    status = broker.gateway.wait_exit()
    assert status == wanted or (wanted is None and status in (0, ENDED_AT_ONCE)), status
    told = [each for each in load.lasts if each is not None and each.kind == "DISCONNECT"]
    assert {each.reason for each in told} == {mqtt.SHUTTING_DOWN}
    assert len(told) >= len(load.lasts) / 2, load.lasts


def test_a_stop_when_clients_have_just_gone(broker_process):
    broker = broker_process(workers=2, listener=dict(message_rate="1/s", message_burst=1))
    clients = [broker.connect() for _ in range(20)]
    for each in clients:
        each.send(*(mqtt.publish("x", qos=1, packet_id=n + 1) for n in range(50)))
    for each in clients:
        each.peer.reset()
    broker.gateway.signal(signal.SIGTERM)
    assert broker.gateway.wait_exit() == 0


# --- the machine's limits ---


def test_descriptors_run_short(broker_process):
    broker = broker_process(workers=2, descriptors=160)
    before, clients = broker.gateway.descriptors(), []
    witness = broker.watcher("x")
    for _ in range(200):
        clients.append(broker.client())
        clients[-1].send_connect()
    broker.gateway.wait_log("the broker accepts nobody: file descriptors ran short")
    witness.publish("else")
    for each in clients:
        each.close()
    wait_until(lambda: broker.gateway.descriptors() <= before + 1, "the descriptors come back")
    broker.connect().ping()
    witness.leave()


def test_more_passwords_than_can_be_checked(broker_process, directory):
    slow = "$2b$11$abcdefghijklmnopqrstuuPHs9WNPWWR80aCo3d/x5Zo/ZvlXCgRG"
    auth = {"anonymous": "deny", "threads": 1, "pending_max": 2, **users_file(directory, {"name": "ann", "password_hash": slow},
                                                                               {"name": "bob", "password_hash": HASH})}
    broker = broker_process(workers=2, auth=auth)
    clients = [broker.client(V5 if number % 2 else V311) for number in range(20)]
    for number, each in enumerate(clients):
        each.send_connect(user="ann", password=f"wrong{number}")
    answers = Counter((each.version, each.expect("CONNACK").reason) for each in clients)
    assert set(answers) <= {(V5, mqtt.BUSY), (V5, mqtt.BAD_CREDENTIALS), (V311, 3), (V311, 4)}, answers
    assert answers[(V5, mqtt.BUSY)] + answers[(V311, 3)] >= 1  # nearly all, unless the clients are slower than bcrypt
    assert answers[(V5, mqtt.BAD_CREDENTIALS)] + answers[(V311, 4)] >= 2
    broker.connect(user="bob", password="geheim").ping()


def test_clients_that_do_not_wait_for_their_password_to_be_checked(broker_process, directory):
    slow = "$2b$10$abcdefghijklmnopqrstuuPHs9WNPWWR80aCo3d/x5Zo/ZvlXCgRG"
    broker = broker_process(workers=2, auth={"anonymous": "deny", **users_file(directory, {"name": "ann", "password_hash": slow})})
    for number in range(20):
        client = broker.client()
        client.send_connect(user="ann", password="x")
        client.peer.reset() if number % 2 else client.close()
    broker.wait_gone()


# The older one waits for its password, the newer one's is known from before: whichever is let in first, the newer stays.
def test_a_connect_whose_password_takes_long_does_not_end_a_newer_one(broker_process, directory):
    slow = "$2b$11$abcdefghijklmnopqrstuufrX8m/d9pRu79UODZa7E.regT2/D1n2"  # "geheim" too
    users = users_file(directory, {"name": "bob"}, {"name": "ann", "password_hash": slow})
    broker = broker_process(workers=2, auth={"anonymous": "deny", **users})
    broker.connect(user="bob", password="geheim")

    def received():
        return broker.gateway.metrics().value("holdfast_broker_bytes_total", listener="m", direction="received")

    before, older, newer = received(), broker.client(), broker.client()
    older.send_connect("same", user="ann", password="geheim")
    wait_until(lambda: received() > before, "the CONNECT of the older one is read")
    newer.connect("same", user="bob", password="geheim")
    older.rest()
    newer.ping()
    assert broker.gateway.metrics().value("holdfast_broker_takeovers_total") == 1


@pytest.mark.parametrize("version, told", [(V5, mqtt.CONNECT_RATE), (V311, 3)])
def test_an_address_of_which_too_many_logins_fail_is_not_listened_to(broker_process, directory, version, told):
    limit = {"failure_rate_per_address": "1/h", "failure_burst_per_address": 3}
    broker = broker_process(auth={"anonymous": "deny", **limit, **users_file(directory, {"name": "bob"})},
                            listeners=[listener("balanced", proxy_protocol="required")])
    wrong, refused = (mqtt.BAD_CREDENTIALS if version == V5 else 4), dict(version=version, user="bob")
    before = broker.connect(user="bob", password="geheim", version=version)
    for _ in range(3):
        assert broker.refused(password="falsch", **refused) == wrong
    hashed = broker.gateway.metrics().value("holdfast_auth_passwords_hashed_total")
    for password in ("falsch", "geheim"):
        assert broker.refused(password=password, **refused) == told
    page = broker.gateway.metrics()
    assert page.value("holdfast_auth_passwords_hashed_total") == hashed == 4
    assert page.value("holdfast_auth_failures_total") == 3
    assert page.value("holdfast_auth_answers_total", answer="too_many_failures") == 2
    assert page.value("holdfast_broker_connects_refused_total", reason="connection_rate_exceeded") == 2
    broker.gateway.wait_log("too many logins of an address have failed: it is refused for a while")
    before.ping()
    elsewhere = broker.client(version, listener="balanced")
    elsewhere.peer.send(proxy_headers.v2("10.9.9.9:4711", "10.0.0.1:1883"))
    elsewhere.connect(user="bob", password="geheim")
    elsewhere.ping()


@pytest.mark.parametrize("version", [V311, V5])
def test_who_never_releases_its_messages_is_sent_away(broker_process, version):
    broker = broker_process(broker={"awaiting_rel_max": 5})
    client = broker.connect(version=version)
    for number in range(1, 7):
        client.send_publish("x", b"", qos=2, packet_id=number)
    client.rest()
    broker.gateway.wait_metric("holdfast_closed_total", 1, reason="receive_maximum")


def test_a_packet_id_of_an_unfinished_message_is_not_one_for_subscribe(broker_process):
    client = broker_process(workers=2).connect()
    client.send_publish(fresh("t/"), b"1", qos=2, packet_id=900)
    client.expect("PUBREC")
    client.send(mqtt.subscribe(900, (fresh("t/"), mqtt.options(qos=0)), version=V5))
    assert client.expect("SUBACK").codes == (0x91,)
    client.send(mqtt.unsubscribe(900, "a", version=V5))
    assert client.expect("UNSUBACK").codes == (0x91,)
    client.ping()
