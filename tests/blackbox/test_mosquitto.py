"""The main job: MQTT clients talk to two mosquitto brokers through the gateway."""
import pytest

import mosquitto
from configuration import config

pytestmark = pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto and mosquitto-clients are not installed")
BROKERS = ("east", "west")


@pytest.fixture
def brokers(resources, directory):
    made = {name: mosquitto.Broker(name, directory) for name in BROKERS}
    for each in made.values():
        resources.callback(each.close)
    return made


@pytest.fixture
def gateway(run, brokers):
    return run("run", config(listener=dict(name="mqtt"), pool=dict(name="brokers", servers=list(brokers.values()))))


@pytest.fixture
def client_on(resources, gateway):
    """client_on(kind, topic): (the name of the broker it got, the client)."""

    def start(kind, topic):
        before = connections(gateway)
        client = kind(gateway.address(), topic)
        resources.callback(client.close)
        gateway.wait_metric("holdfast_connections", sum(before.values()) + 1)
        after = connections(gateway)
        [name] = [name for name in BROKERS if after[name] > before[name]]
        return name, client

    return start


def connections(gateway):
    return gateway.metrics().by("server", "holdfast_server_connections")


def one_on_each(client_on, kind, topic):
    clients = dict(client_on(kind, topic) for _ in BROKERS)
    assert sorted(clients) == sorted(BROKERS), "least_connections gives each broker one"
    return clients


def test_a_thousand_messages_arrive_in_order_through_each_broker(client_on, gateway):
    subscribers = one_on_each(client_on, mosquitto.Subscriber, "news")
    publishers = one_on_each(client_on, mosquitto.Publisher, "news")
    for name, publisher in publishers.items():
        publisher.publish(*(f"{name} {number}" for number in range(1000)))
    for name, publisher in publishers.items():
        assert publisher.finish() == 0
        assert subscribers[name].wait_messages(1000) == [f"{name} {number}" for number in range(1000)]
    gateway.wait_metric("holdfast_closed_total", 2)


def test_when_a_broker_is_killed_its_clients_move_and_the_others_notice_nothing(client_on, gateway, brokers):
    subscribers = one_on_each(client_on, mosquitto.Subscriber, "news")
    survivor, publisher = client_on(mosquitto.Publisher, "news")
    [victim] = [name for name in BROKERS if name != survivor]
    publisher.publish(*range(500))
    subscribers[survivor].wait_messages(500)
    assert subscribers[victim].messages() == []

    brokers[victim].kill()
    publisher.publish(*range(500, 1000))
    gateway.wait_metric("holdfast_server_connections", 0, server=victim)
    subscribers[victim].wait_subscribed(2)
    assert connections(gateway) == {victim: 0, survivor: 3}
    publisher.publish(*range(1000, 1500))
    assert publisher.finish() == 0

    assert subscribers[survivor].wait_messages(1500) == [str(number) for number in range(1500)]
    moved = subscribers[victim].wait_message("1499")
    assert len(moved) >= 500
    assert moved == [str(number) for number in range(1500 - len(moved), 1500)]
