"""The broker that the conformance tests talk to, and a pair of bystanders that must notice nothing.

MQTT_CONFORMANCE_ADDRESS    another broker, such as 127.0.0.1:1883; nothing is started then
"""
import os
import tempfile

from gateway import Gateway
from mqtt_client import Client, fresh
from mqtt_packets import V5

ELSEWHERE = os.environ.get("MQTT_CONFORMANCE_ADDRESS", "")


def broker_config(workers=1, listener=None, broker=None, **sections):
    """A broker with one listener, "m", on a free port, that anybody may use. Keywords are further sections."""
    listeners = [{"name": "m", "bind": ["127.0.0.1:0"], "protocol": "mqtt", **(listener or {})}]
    return {
        "node": {"workers": workers, "stop_timeout": "3s", "run_dir": ""},
        "log": {"format": "json"},
        "admin": {"listen": "127.0.0.1:0"},
        "broker": {**(broker or {}), "listener": listeners},
        "auth": {"anonymous": "allow"},
        **sections,
    }


class Broker:
    """What the tests need of one: where it is, and clients that are closed in the end."""

    def __init__(self, address, workers=1):
        self.address, self.workers = address, workers
        self._clients = []

    def client(self, version=V5):
        """A connection that has said nothing yet."""
        client = Client(self.address, version)
        self._clients.append(client)
        return client

    def connect(self, client_id=None, version=V5, **options):
        """A client that is connected."""
        client = self.client(version)
        client.connect(client_id, **options)
        return client

    def pair(self, version=V5, **subscription):
        """(publisher, subscriber, topic): the subscriber has the topic."""
        topic = fresh("t/")
        publisher, subscriber = self.connect(version=version), self.connect(version=version)
        subscriber.subscribe(topic, **subscription)
        return publisher, subscriber, topic

    def close_clients(self):
        """The ones since the last time."""
        while self._clients:
            self._clients.pop().close()


class Witness:
    """Bystanders: while others break the rules, they go on exchanging messages."""

    def __init__(self, broker):
        self._topic, self._count = fresh("witness/"), 0
        self._publisher = Client(broker.address)
        self._publisher.connect(keep_alive=0)
        self._subscribers = [Client(broker.address, version) for version in (4, 5) * broker.workers]
        for each in self._subscribers:
            each.connect(keep_alive=0)
            each.subscribe(self._topic)

    def check(self):
        """Nobody has lost a message, nor the connection."""
        self._count += 1
        payload = str(self._count).encode()
        self._publisher.publish(self._topic, payload)
        assert [each.message().payload for each in self._subscribers] == [payload] * len(self._subscribers)

    def close(self):
        for each in (self._publisher, *self._subscribers):
            each.close()


def start(workers, directory, **options):
    """(broker, what ends it)."""
    if ELSEWHERE:
        return Broker(ELSEWHERE, workers), lambda: None
    gateway = Gateway(tempfile.mkdtemp(dir=directory), broker_config(workers, **options))
    return Broker(gateway.address("m"), workers), gateway.finish
