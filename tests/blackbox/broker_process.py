"""A broker as a process of its own: clients of it, and what it shows of itself."""
import tempfile
import threading

from environment import wait_until
from gateway import Gateway
from mqtt_broker import Broker, broker_config
from mqtt_client import Client, fresh
from mqtt_packets import V5
from websocket_client import WebSocketClient

LOCAL = "127.0.0.1:0"


def listener(name, protocol="mqtt", **keys):
    return {"name": name, "bind": [LOCAL], "protocol": protocol, **keys}


class BrokerProcess(Broker):
    """`gateway` is the process: metrics, log, signals."""

    def __init__(self, directory, workers=1, listeners=(), descriptors=0, environment=None, **options):
        document = broker_config(workers, **options)
        document["broker"]["listener"] += listeners
        self.gateway = Gateway(tempfile.mkdtemp(dir=directory), document, descriptors=descriptors,
                               environment=environment)
        super().__init__(self.gateway.address("m"), workers)

    def client(self, version=V5, listener="m"):
        client = Client(self.gateway.address(listener), version)
        self._clients.append(client)
        return client

    def websocket(self, version=V5, listener="w", **options):
        """A WebSocket that is open; MQTT has not begun yet."""
        client = WebSocketClient(self.gateway.address(listener), version, **options)
        self._clients.append(client)
        return client

    def refused(self, client_id=None, version=V5, listener="m", **options):
        """The CONNACK that refuses this client, after which the connection ends."""
        client = self.client(version, listener)
        client.send_connect(client_id, **options)
        answer = client.expect("CONNACK")
        assert answer.reason, answer
        assert client.rest() == []
        client.close()
        return answer.reason

    def watcher(self, *filters, **options):
        """A subscriber that is there."""
        client = self.connect(keep_alive=0, **options)
        client.subscribe(*filters)
        return client

    def wait_gone(self):
        """Every client has gone, and with it all that was kept for it."""
        for name in ("holdfast_connections", "holdfast_broker_clients", "holdfast_broker_sessions",
                     "holdfast_broker_subscriptions", "holdfast_broker_shared_subscriptions", "holdfast_broker_routes"):
            self.gateway.wait_metric(name, 0)

    def finish(self):
        self.close_clients()
        self.gateway.finish()


def at_once(count, work, threads=25):
    """work(0) ... work(count - 1) on as many threads; what they returned, in order. One that fails fails the test."""
    results, failures = [None] * count, []
    numbers = iter(range(count))
    lock = threading.Lock()

    def loop():
        while not failures:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results[number] = work(number)
            except BaseException as failure:  # shown below
                failures.append(failure)

    running = [threading.Thread(target=loop) for _ in range(min(threads, count))]
    for each in running:
        each.start()
    for each in running:
        each.join()
    if failures:
        raise failures[0]
    return results


__all__ = ["BrokerProcess", "at_once", "fresh", "listener", "wait_until"]
