"""What a client may send a second: message_rate and byte_rate hold it up, packet by packet, and lose nothing."""
import time

import pytest

import mqtt_packets as mqtt
from broker_process import fresh, listener

NEVER = dict(message_rate="1/h")  # within the time of a test nothing comes of it beyond the burst


@pytest.fixture
def slow(broker_process):
    """slow(**limits): a broker whose listener "slow" has them; "m" has none."""
    return lambda kind="mqtt", workers=1, **limits: broker_process(
        workers=workers, listeners=[listener("slow", kind, **limits)])


def client_of(broker, kind, **options):
    client = broker.websocket(listener="slow") if kind == "websocket" else broker.client(listener="slow")
    client.connect(**options)
    return client


def numbered(topic, numbers, qos=0):
    return [mqtt.publish(topic, b"%d" % n, qos=qos, packet_id=n + 1 if qos else None) for n in numbers]


def nothing_more(broker, watcher, topic):
    """What the broker has taken, the watcher has by now: another client's message comes next."""
    broker.connect().publish(topic, b"mark")
    return watcher.message().payload == b"mark"


@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
@pytest.mark.parametrize("how", ["one write", "one frame each", "cut anywhere"])
def test_a_burst_is_how_many_are_taken_at_once(slow, kind, how):
    broker, topic = slow(kind, **NEVER, message_burst=7), fresh()
    watcher, client = broker.watcher(topic), client_of(broker, kind)
    packets = numbered(topic, range(300))
    if how == "one write":
        client.send(*packets)
    elif how == "one frame each":
        for each in packets:
            client.send(each)
    else:
        data = b"".join(packets)
        for at in range(0, len(data), 5):
            client.send(data[at:at + 5])
    assert [int(each.payload) for each in watcher.messages(7)] == list(range(7))
    assert nothing_more(broker, watcher, topic)


def test_a_burst_with_connect_is_no_larger(slow):
    broker, topic = slow(**NEVER, message_burst=7), fresh()
    watcher, client = broker.watcher(topic), broker.client(listener="slow")
    client.send(mqtt.connect(fresh()), *numbered(topic, range(300)))
    assert [int(each.payload) for each in watcher.messages(7)] == list(range(7))
    assert nothing_more(broker, watcher, topic)


def test_bytes_beyond_the_burst_are_not_read(slow):
    broker, topic = slow(byte_rate="1B/s", byte_burst="1000B"), fresh()
    watcher, client = broker.watcher(topic), client_of(broker, "mqtt")
    packet = mqtt.publish(topic, bytes(100 - 5 - len(topic)))
    assert len(packet) == 100
    client.send(*[packet] * 300)
    watcher.messages(10)
    assert nothing_more(broker, watcher, topic)


def test_what_comes_before_the_first_that_waits_is_answered(slow):
    broker = slow(**NEVER, message_burst=1)
    client = client_of(broker, "mqtt")
    client.send(*numbered(fresh(), range(1), qos=1), mqtt.PINGREQ, *numbered(fresh(), range(1, 9), qos=1), mqtt.PINGREQ)
    client.expect("PUBACK")
    client.expect("PINGRESP")
    broker.gateway.wait_metric("holdfast_broker_paced_total", 1)


@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
def test_who_waits_is_not_silent_and_its_ping_is_answered_in_its_turn(slow, kind):
    broker, topic = slow(kind, message_rate="20/s", message_burst=1), fresh()
    watcher, client = broker.watcher(topic), client_of(broker, kind, keep_alive=1)
    client.send(*numbered(topic, range(60), qos=1), mqtt.PINGREQ)  # three seconds of them
    for n in range(60):
        assert client.expect("PUBACK").packet_id == n + 1
    client.expect("PINGRESP")
    assert [int(each.payload) for each in watcher.messages(60)] == list(range(60))
    assert client.rest()[-1].reason == mqtt.SILENT  # and from then on it is


def test_the_rate_is_even(slow):
    broker, topic = slow(message_rate="20/s", message_burst=1), fresh()
    watcher, client = broker.watcher(topic), client_of(broker, "mqtt")
    start, came = time.monotonic(), []
    client.send(*numbered(topic, range(41)))
    for _ in range(41):
        watcher.message()
        came.append(time.monotonic() - start)
    assert not [n for n, at in enumerate(came) if at < n / 20 - 0.001], came  # late they may be, on a busy machine


@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
def test_who_closes_while_it_waits_has_said_all_it_sent_and_then_its_will_comes(slow, kind):
    broker, topic = slow(kind, message_rate="50/s", message_burst=1), fresh()
    watcher = broker.watcher(topic)
    client = client_of(broker, kind, will=dict(topic=topic, payload=b"will"))
    client.send(*numbered(topic, range(40)))
    client.close()
    assert [each.payload for each in watcher.messages(41)] == [b"%d" % n for n in range(40)] + [b"will"]


def test_a_disconnect_behind_messages_that_wait_is_heard(slow):
    broker, topic = slow(message_rate="50/s", message_burst=1), fresh()
    watcher = broker.watcher(topic)
    client = client_of(broker, "mqtt", will=dict(topic=topic, payload=b"will"))
    client.send(*numbered(topic, range(20)), mqtt.disconnect())
    client.close()
    watcher.messages(20)
    broker.gateway.wait_metric("holdfast_connections", 0, listener="slow")
    assert nothing_more(broker, watcher, topic)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_take_over_ends_who_waits(slow, workers):
    broker, topic = slow(workers=workers, **NEVER, message_burst=1), fresh()
    watcher = broker.watcher(topic)
    client = client_of(broker, "mqtt", client_id=(name := fresh()), will=dict(topic=topic, payload=b"will"))
    client.send(*numbered(topic, range(9)))
    assert watcher.message().payload == b"0"
    broker.connect(name).ping()
    assert watcher.message().payload == b"will"
    assert client.rest()[-1].reason == mqtt.TAKEN_OVER
