"""MQTT packets as bytes, in both directions: 3.1, 3.1.1 and 5.0, with every property.

Builders write whatever they are told, also what no honest client would send; `take` reads what a server sends, and is
strict: what the standard forbids a server to send is an AssertionError.
"""
from typing import NamedTuple

V31, V311, V5 = 3, 4, 5

TYPES = dict(CONNECT=1, CONNACK=2, PUBLISH=3, PUBACK=4, PUBREC=5, PUBREL=6, PUBCOMP=7, SUBSCRIBE=8, SUBACK=9,
             UNSUBSCRIBE=10, UNSUBACK=11, PINGREQ=12, PINGRESP=13, DISCONNECT=14, AUTH=15)
NAMES = {number: name for name, number in TYPES.items()}
FLAGS = dict.fromkeys(TYPES, 0) | dict(PUBREL=2, SUBSCRIBE=2, UNSUBSCRIBE=2)
ACKS = ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")

# Reason codes, MQTT 5 section 2.4.
SUCCESS, WITH_WILL, NO_SUBSCRIBERS, NO_SUBSCRIPTION, CONTINUE, AGAIN = 0x00, 0x04, 0x10, 0x11, 0x18, 0x19
UNSPECIFIED, MALFORMED, PROTOCOL_ERROR, IMPLEMENTATION, BAD_VERSION, BAD_CLIENT_ID = range(0x80, 0x86)
BAD_CREDENTIALS, NOT_AUTHORIZED, UNAVAILABLE, BUSY, BANNED, SHUTTING_DOWN, BAD_METHOD = range(0x86, 0x8d)
SILENT, TAKEN_OVER, BAD_FILTER, BAD_TOPIC, ID_IN_USE, ID_NOT_FOUND, TOO_MANY = range(0x8d, 0x94)
BAD_ALIAS, TOO_LARGE, TOO_FAST, QUOTA, ADMINISTRATIVE, BAD_FORMAT = range(0x94, 0x9a)
NO_RETAIN, NO_QOS, ANOTHER_SERVER, MOVED, NO_SHARED, CONNECT_RATE, TOO_LONG, NO_IDS, NO_WILDCARDS = range(0x9a, 0xa3)

_ANSWERS = {SUCCESS, NO_SUBSCRIBERS, UNSPECIFIED, IMPLEMENTATION, NOT_AUTHORIZED, BAD_TOPIC, ID_IN_USE, QUOTA,
            BAD_FORMAT}
# What a server may say in a packet.
CODES = {
    "CONNACK": {SUCCESS, *range(0x80, 0x8b), BAD_METHOD, BAD_TOPIC, TOO_LARGE, QUOTA, BAD_FORMAT, NO_RETAIN, NO_QOS,
                ANOTHER_SERVER, MOVED, CONNECT_RATE},
    "PUBACK": _ANSWERS,
    "PUBREC": _ANSWERS,
    "PUBREL": {SUCCESS, ID_NOT_FOUND},
    "PUBCOMP": {SUCCESS, ID_NOT_FOUND},
    "SUBACK": {0, 1, 2, UNSPECIFIED, IMPLEMENTATION, NOT_AUTHORIZED, BAD_FILTER, ID_IN_USE, QUOTA, NO_SHARED, NO_IDS,
               NO_WILDCARDS},
    "UNSUBACK": {SUCCESS, NO_SUBSCRIPTION, UNSPECIFIED, IMPLEMENTATION, NOT_AUTHORIZED, BAD_FILTER, ID_IN_USE},
    "DISCONNECT": {SUCCESS, UNSPECIFIED, MALFORMED, PROTOCOL_ERROR, IMPLEMENTATION, NOT_AUTHORIZED, BUSY, SHUTTING_DOWN,
                   *range(0x8d, 0x91), *range(0x93, 0xa3)},
    "AUTH": {SUCCESS, CONTINUE},
}

_KINDS = dict(byte=1, two=2, four=4, varint=0, text=0, binary=0, pair=0)


class Property(NamedTuple):
    number: int
    kind: str
    packets: tuple  # which may have it; WILL is the will within CONNECT
    from_server: tuple = ()  # those that only a server may put it into


PROPERTIES = {
    "payload_format": Property(1, "byte", ("PUBLISH", "WILL")),
    "message_expiry": Property(2, "four", ("PUBLISH", "WILL")),
    "content_type": Property(3, "text", ("PUBLISH", "WILL")),
    "response_topic": Property(8, "text", ("PUBLISH", "WILL")),
    "correlation_data": Property(9, "binary", ("PUBLISH", "WILL")),
    "subscription_id": Property(11, "varint", ("PUBLISH", "SUBSCRIBE"), ("PUBLISH",)),
    "session_expiry": Property(17, "four", ("CONNECT", "CONNACK", "DISCONNECT")),
    "assigned_client_id": Property(18, "text", ("CONNACK",)),
    "server_keep_alive": Property(19, "two", ("CONNACK",)),
    "auth_method": Property(21, "text", ("CONNECT", "CONNACK", "AUTH")),
    "auth_data": Property(22, "binary", ("CONNECT", "CONNACK", "AUTH")),
    "request_problem_information": Property(23, "byte", ("CONNECT",)),
    "will_delay": Property(24, "four", ("WILL",)),
    "request_response_information": Property(25, "byte", ("CONNECT",)),
    "response_information": Property(26, "text", ("CONNACK",)),
    "server_reference": Property(28, "text", ("CONNACK", "DISCONNECT")),
    "reason_string": Property(31, "text", ("CONNACK", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK",
                                           "DISCONNECT", "AUTH")),
    "receive_maximum": Property(33, "two", ("CONNECT", "CONNACK")),
    "topic_alias_maximum": Property(34, "two", ("CONNECT", "CONNACK")),
    "topic_alias": Property(35, "two", ("PUBLISH",)),
    "maximum_qos": Property(36, "byte", ("CONNACK",)),
    "retain_available": Property(37, "byte", ("CONNACK",)),
    "user_property": Property(38, "pair", ("CONNECT", "CONNACK", "PUBLISH", "WILL", "PUBACK", "PUBREC", "PUBREL",
                                           "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "DISCONNECT",
                                           "AUTH")),
    "maximum_packet_size": Property(39, "four", ("CONNECT", "CONNACK")),
    "wildcard_available": Property(40, "byte", ("CONNACK",)),
    "subscription_ids_available": Property(41, "byte", ("CONNACK",)),
    "shared_available": Property(42, "byte", ("CONNACK",)),
}
_BY_NUMBER = {each.number: name for name, each in PROPERTIES.items()}


# --- pieces ---


def varint(number):
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def two(number):
    return number.to_bytes(2, "big")


def four(number):
    return number.to_bytes(4, "big")


def text(value):
    """A string with its length; `value` may be bytes, so that it need not be UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    return two(len(raw)) + raw


def _encoded(kind, value):
    if kind == "byte":
        return bytes([value])
    if kind == "varint":
        return varint(value)
    if kind == "pair":
        return text(value[0]) + text(value[1])
    return value.to_bytes(_KINDS[kind], "big") if _KINDS[kind] else text(value)


def property_bytes(name, value):
    """One property. A value in bytes is taken as it is where that is no string, so that it may be too short."""
    found = PROPERTIES[name]
    raw = value if isinstance(value, bytes) and _KINDS[found.kind] else _encoded(found.kind, value)
    return bytes([found.number]) + raw


def block(properties):
    """Properties with their length. `properties`: a dict (a list as value: several times), or bytes, as they are."""
    if isinstance(properties, bytes):
        return varint(len(properties)) + properties
    parts = [property_bytes(name, each) for name, value in properties.items()
             for each in (value if isinstance(value, list) else [value])]
    return block(b"".join(parts))


def packet(kind, body=b"", flags=None):
    """Any packet. `kind`: a name or a number."""
    number = TYPES.get(kind, kind)
    return bytes([number << 4 | (FLAGS.get(kind, 0) if flags is None else flags)]) + varint(len(body)) + body


# --- what clients send ---


def connect(client_id="", version=V5, clean=True, keep_alive=60, properties=None, will=None, user=None, password=None,
            name=None, level=None, flags=None, flag_bits=0):
    """`will`: dict(topic, payload, qos, retain, properties). `flags`: the whole byte; `flag_bits`: further bits."""
    will = {"topic": "will", "payload": b"", "qos": 0, "retain": False, "properties": {}, **will} if will else None
    made = (clean << 1 | (user is not None) << 7 | (password is not None) << 6 | flag_bits)
    if will:
        made |= 4 | will["qos"] << 3 | will["retain"] << 5
    body = text(("MQIsdp" if version == V31 else "MQTT") if name is None else name)
    body += bytes([version if level is None else level, made if flags is None else flags]) + two(keep_alive)
    if version == V5:
        body += block(properties or {})
    body += text(client_id)
    if will:
        body += (block(will["properties"]) if version == V5 else b"") + text(will["topic"]) + text(will["payload"])
    body += (text(user) if user is not None else b"") + (text(password) if password is not None else b"")
    return packet("CONNECT", body)


def publish(topic, payload=b"", version=V5, qos=0, packet_id=None, retain=False, dup=False, properties=None,
            flags=None):
    body = text(topic) + (two(packet_id) if packet_id is not None else b"")
    body += block(properties or {}) if version == V5 else b""
    return packet("PUBLISH", body + payload, dup << 3 | qos << 1 | retain if flags is None else flags)


def ack(kind, packet_id, reason=None, properties=None, flags=None):
    body = two(packet_id) + (bytes([reason]) if reason is not None else b"")
    return packet(kind, body + (block(properties) if properties is not None else b""), flags)


def options(qos=0, no_local=False, as_published=False, handling=0):
    return qos | no_local << 2 | as_published << 3 | handling << 4


def subscribe(packet_id, *filters, version=V5, properties=None, flags=None):
    """`filters`: (filter, options or QoS)."""
    body = two(packet_id) + (block(properties or {}) if version == V5 else b"")
    return packet("SUBSCRIBE", body + b"".join(text(each) + bytes([byte]) for each, byte in filters), flags)


def unsubscribe(packet_id, *filters, version=V5, properties=None, flags=None):
    body = two(packet_id) + (block(properties or {}) if version == V5 else b"")
    return packet("UNSUBSCRIBE", body + b"".join(map(text, filters)), flags)


def ending(kind, reason=None, properties=None, flags=None):
    """DISCONNECT or AUTH."""
    body = bytes([reason]) if reason is not None else b""
    return packet(kind, body + (block(properties) if properties is not None else b""), flags)


def disconnect(reason=None, properties=None):
    return ending("DISCONNECT", reason, properties)


PINGREQ = packet("PINGREQ")


# --- what servers send ---


class Packet(NamedTuple):
    """`bytes_total` includes the fixed header. What a packet has not is None, () or {}."""

    kind: str
    flags: int
    bytes_total: int
    packet_id: int = None
    reason: int = None
    codes: tuple = ()
    session_present: bool = None
    topic: str = None
    payload: bytes = None
    properties: dict = {}

    @property
    def qos(self):
        return self.flags >> 1 & 3

    @property
    def dup(self):
        return bool(self.flags & 8)

    @property
    def retain(self):
        return bool(self.flags & 1)


class _Body:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def left(self):
        return len(self.raw) - self.at

    def take(self, count):
        assert count <= self.left(), f"{count} bytes wanted, {self.left()} left of {self.raw!r}"
        self.at += count
        return self.raw[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                assert shift == 7 or byte, "padded"
                return value
            assert shift < 28, "too long"

    def binary(self):
        return self.take(self.number(2))

    def text(self):
        value = self.binary().decode()
        assert "\0" not in value
        return value

    def value(self, kind):
        if kind == "pair":
            return self.text(), self.text()
        reader = {"varint": self.varint, "text": self.text, "binary": self.binary}.get(kind)
        return reader() if reader else self.number(_KINDS[kind])

    def properties(self, packet_kind):
        inside, found = _Body(self.take(self.varint())), {}
        while inside.left():
            name = _BY_NUMBER[inside.number(1)]
            known = PROPERTIES[name]
            assert packet_kind in known.packets, f"{name} in {packet_kind}"
            value = inside.value(known.kind)
            if name == "user_property" or (name == "subscription_id" and packet_kind == "PUBLISH"):
                found.setdefault(name, []).append(value)
            else:
                assert name not in found, f"{name} twice"
                found[name] = value
        return found


def take(data, version):
    """(the first packet of `data`, its size), or None when that is not whole."""
    if len(data) < 2:
        return None
    length, at = 0, 1
    while True:
        if at == len(data):
            return None
        length |= (data[at] & 0x7f) << 7 * (at - 1)
        at += 1
        if data[at - 1] < 0x80:
            break
        assert at < 5, f"the remaining length goes on: {bytes(data[:6])!r}"
    assert at == 1 + len(varint(length)), "the remaining length is padded"
    if len(data) < at + length:
        return None
    end = at + length
    return _read(NAMES[data[0] >> 4], data[0] & 15, _Body(bytes(data[at:end])), end, version), end


def _read(kind, flags, body, size, version):
    assert kind not in ("CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ"), f"a server sent {kind}"
    if kind == "PUBLISH":
        return _read_publish(flags, body, size, version)
    assert flags == FLAGS[kind], f"flags {flags} of {kind}"
    fields = {}
    if kind == "CONNACK":
        byte = body.number(1)
        assert byte <= 1 and not (version == V31 and byte), f"CONNACK flags {byte}"
        fields = {"session_present": bool(byte), "reason": body.number(1)}
        if version == V5:
            fields["properties"] = body.properties(kind)
        assert not (fields["reason"] and byte), "session present in a refusal"
    elif kind in (*ACKS, "SUBACK", "UNSUBACK"):
        fields["packet_id"] = body.number(2)
        assert fields["packet_id"], "packet identifier 0"
    if kind in ACKS or kind in ("DISCONNECT", "AUTH"):
        assert version == V5 or (not body.left() and kind in ACKS), f"{kind} of an old version: {body.raw!r}"
        fields["reason"] = body.number(1) if body.left() else 0
        fields["properties"] = body.properties(kind) if body.left() else {}
    elif kind in ("SUBACK", "UNSUBACK"):
        fields["properties"] = body.properties(kind) if version == V5 else {}
        fields["codes"] = tuple(body.take(body.left()))
    assert not body.left(), f"{body.left()} bytes too many in {kind}"
    _check_codes(kind, version, fields)
    return Packet(kind, flags, size, **fields)


def _check_codes(kind, version, fields):
    said = fields.get("codes") or (() if fields.get("reason") is None else (fields["reason"],))
    allowed = CODES.get(kind, ())
    if version != V5:
        allowed = {"CONNACK": range(6), "SUBACK": (0, 1, 2, 0x80)}.get(kind, (0,))
    assert set(said) <= set(allowed), f"{kind} with {[hex(each) for each in said]}"
    if kind == "DISCONNECT":
        assert "session_expiry" not in fields["properties"]


def _read_publish(flags, body, size, version):
    qos = flags >> 1 & 3
    assert qos < 3 and (qos or not flags & 8), f"PUBLISH flags {flags}"
    topic = body.text()
    packet_id = body.number(2) if qos else None
    assert packet_id != 0
    properties = body.properties("PUBLISH") if version == V5 else {}
    assert "+" not in topic and "#" not in topic, topic
    assert topic or properties.get("topic_alias"), "neither topic nor alias"
    assert properties.get("topic_alias") != 0
    return Packet("PUBLISH", flags, size, packet_id=packet_id, topic=topic, payload=body.take(body.left()),
                  properties=properties)
