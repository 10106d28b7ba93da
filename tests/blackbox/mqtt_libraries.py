"""Clients of real MQTT libraries, all with the same face: paho (Python) and mqtt.js (Node), on TCP and in WebSocket.

    library.client("127.0.0.1:1883", version=5, client_id="a").connect()

Every call that waits has a deadline (PATIENCE_S). None of them connects again by itself.
"""
import itertools
import json
import os
import queue
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

from environment import PATIENCE_S, wait_until

try:
    import paho.mqtt.client as paho
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions
    HAS_PAHO = True
except ImportError:
    HAS_PAHO = False

NODE_ENVIRONMENT = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}  # where Debian's node-mqtt is
_PROGRAM = Path(__file__).parent / "programs" / "mqtt_js.js"
HAS_MQTT_JS = shutil.which("node") is not None and subprocess.run(
    ["node", "-e", "require('mqtt')"], env=NODE_ENVIRONMENT, capture_output=True, check=False).returncode == 0

# The properties that tests use: their name here, that of paho, that of mqtt.js.
_PROPERTIES = [
    ("user", "UserProperty", "userProperties"), ("response_topic", "ResponseTopic", "responseTopic"),
    ("correlation", "CorrelationData", "correlationData"), ("content_type", "ContentType", "contentType"),
    ("message_expiry", "MessageExpiryInterval", "messageExpiryInterval"),
    ("session_expiry", "SessionExpiryInterval", "sessionExpiryInterval"),
    ("assigned_client_id", "AssignedClientIdentifier", "assignedClientIdentifier"),
    ("subscription_identifier", "SubscriptionIdentifier", "subscriptionIdentifier")]


class Message(NamedTuple):
    topic: str
    payload: str
    qos: int
    retain: bool
    properties: dict


class _Client:
    """What the clients of all libraries have."""

    def __init__(self):
        self.received = []
        self.session_present = None
        self.properties = {}  # of CONNACK

    def wait_messages(self, count=1):
        """All messages, when there are so many."""
        wait_until(lambda: len(self.received) >= count, lambda: f"{count} messages; there are {self.received}")
        return list(self.received)

    def wait_payloads(self, count=1):
        return [each.payload for each in self.wait_messages(count)]


# --- paho ---


class Paho(_Client):
    def __init__(self, address, transport, version, client_id, clean, will, session_expiry):
        super().__init__()
        self._version, self._clean, self._session_expiry = version, clean, session_expiry
        self._where = address.rsplit(":", 1)
        options = {} if version == 5 else {"clean_session": clean}
        self._client = paho.Client(client_id, protocol=version, **options,
                                   transport={"tcp": "tcp", "ws": "websockets"}[transport])
        if transport == "ws":
            self._client.ws_set_options(path="/mqtt")
        if will:
            self._client.will_set(will[0], will[1], qos=1)
        self._connack, self._granted = queue.Queue(), queue.Queue()
        self._client.on_connect = lambda client, data, flags, code, *more: self._connack.put((flags, code, more))
        self._client.on_subscribe = lambda client, data, number, granted, *more: self._granted.put(granted)
        self._client.on_message = self._take
        self._client.on_disconnect = self._end
        self.closed, self.end_reason = False, None

    def _end(self, client, data, code, *more):
        self.end_reason = getattr(code, "value", None)  # what the server has said, if it did
        client.disconnect()  # there is nothing left to end: this keeps it from connecting again
        self.closed = True

    def _take(self, client, data, message):
        self.received.append(Message(message.topic, message.payload.decode(), message.qos, bool(message.retain),
                                     _from_paho(getattr(message, "properties", None))))

    def connect(self):
        options = {}
        if self._version == 5:
            options = {"clean_start": self._clean,
                       "properties": _to_paho(PacketTypes.CONNECT, session_expiry=self._session_expiry)}
        self._client.connect(self._where[0], int(self._where[1]), **options)
        self._client.loop_start()
        flags, code, more = self._connack.get(timeout=PATIENCE_S)
        assert int(getattr(code, "value", code)) == 0, f"refused: {code}"
        self.session_present = bool(flags["session present"])
        self.properties = _from_paho(more[0]) if more else {}
        return self

    def subscribe(self, name, qos=0, no_local=False):
        options = {"options": SubscribeOptions(qos, noLocal=no_local)} if self._version == 5 else {"qos": qos}
        self._client.subscribe(name, **options)
        return [int(getattr(each, "value", each)) for each in self._granted.get(timeout=PATIENCE_S)]

    def publish(self, topic, payload, qos=0, retain=False, **properties):
        options = {"properties": _to_paho(PacketTypes.PUBLISH, **properties)} if self._version == 5 else {}
        sent = self._client.publish(topic, payload, qos, retain, **options)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published(), f"{topic} is not acknowledged"

    def end(self):
        self._client.disconnect()
        self.wait_closed()

    def drop(self):
        """The connection ends without a word."""
        with socket.socket(fileno=os.dup(self._client.socket().fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)
        self.wait_closed()

    def wait_closed(self):
        wait_until(lambda: self.closed, "the end of the connection")

    def close(self):
        if self._client.is_connected():
            self.end()
        self._client.loop_stop()


def _to_paho(packet, **properties):
    made = Properties(packet)
    for name, of_paho, _ in _PROPERTIES:
        if properties.get(name) is not None:
            value = properties[name]
            setattr(made, of_paho, value.encode() if name == "correlation" else value)
    return made


def _from_paho(properties):
    found = {name: getattr(properties, of_paho) for name, of_paho, _ in _PROPERTIES if hasattr(properties, of_paho)}
    if "correlation" in found:
        found["correlation"] = found["correlation"].decode()
    return found


# --- mqtt.js ---


class Node:
    """A process that has the clients of mqtt.js."""

    def __init__(self):
        self._process = subprocess.Popen(["node", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         env=NODE_ENVIRONMENT)
        self._calls, self._answers, self.clients = itertools.count(1), {}, {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            told = json.loads(line)
            if "call" in told:
                self._answers[told["call"]] = told
            elif "client" in told:
                self.clients[told["client"]].take(told)

    def call(self, client, what, **arguments):
        call = next(self._calls)
        self._process.stdin.write(json.dumps({"call": call, "client": client, "do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        told = wait_until(lambda: self._answers.pop(call, None), f"an answer to {what}")
        assert "error" not in told, f"{what}: {told['error']}"
        return told["ok"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self._process.stdout.close()


class MqttJs(_Client):
    _numbers = itertools.count(1)

    def __init__(self, node, address, transport, version, client_id, clean, will, session_expiry):
        super().__init__()
        self._node, self._number, self.closed, self._version = node, next(self._numbers), False, version
        self._url = f"ws://{address}/mqtt" if transport == "ws" else f"mqtt://{address}"
        self._options = {"protocolVersion": version, "clientId": client_id, "clean": clean}
        if will:
            self._options["will"] = {"topic": will[0], "payload": will[1], "qos": 1}
        if version == 5:
            self._options["properties"] = _to_js(session_expiry=session_expiry)
        node.clients[self._number] = self

    def take(self, told):
        self.closed |= told.get("closed", False)
        if message := told.get("message"):
            self.received.append(Message(**{**message, "properties": _from_js(message["properties"])}))

    def connect(self):
        connack = self._call("connect", url=self._url, options=self._options)
        self.session_present, self.properties = connack["present"], _from_js(connack["properties"])
        return self

    def subscribe(self, name, qos=0, no_local=False):
        return self._call("subscribe", filter=name, options={"qos": qos, **({"nl": True} if no_local else {})})

    def publish(self, topic, payload, qos=0, retain=False, **properties):
        options = {"qos": qos, "retain": retain, **({"properties": _to_js(**properties)} if properties else {})}
        self._call("publish", topic=topic, payload=payload, options=options)

    def end(self):
        self._call("end")
        self.wait_closed()

    def drop(self):
        """The connection ends without a word."""
        self._call("drop")
        self.wait_closed()

    def wait_closed(self):
        wait_until(lambda: self.closed, "the end of the connection")

    def close(self):
        if not self.closed:
            self.drop()

    def _call(self, what, **arguments):
        return self._node.call(self._number, what, **arguments)


def _to_js(user=None, **properties):
    made = {of_js: properties[name] for name, _, of_js in _PROPERTIES if properties.get(name) is not None}
    return {**made, "userProperties": dict(user)} if user else made


def _from_js(properties):
    found = {name: properties[of_js] for name, _, of_js in _PROPERTIES if of_js in properties}
    if "user" in found:
        found["user"] = list(found["user"].items())
    return found


# --- what tests ask for ---


class Library:
    """One library on one transport, in one version of MQTT. Makes clients; close() ends those that live."""

    def __init__(self, name, transport, version, node=None):
        self.name, self.transport, self.version = name, transport, version
        self._node, self._made = node, []

    def client(self, address, client_id="", clean=True, will=None, session_expiry=None):
        """Not connected. `will`: (topic, payload). `session_expiry`: seconds, of MQTT 5."""
        rest = (address, self.transport, self.version, client_id, clean, will, session_expiry)
        self._made.append(Paho(*rest) if self.name == "paho" else MqttJs(self._node, *rest))
        return self._made[-1]

    def close(self):
        for each in self._made:
            each.close()
