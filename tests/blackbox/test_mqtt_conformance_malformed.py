"""Packets that break the rules, for every packet type and property: the reason code that the standard names, then the
end of the connection, and nobody else is disturbed.

A row is (what is wrong, bytes, the reasons that will do). Where the standard names one reason, there is one; where it
only says that a packet is wrong, both words it has for that will do. MQTT 3.1.1 is never told a reason: it is closed.
"""
import random

import pytest

import mqtt_packets as mqtt
from environment import SEED
from mqtt_client import fresh
from mqtt_packets import ACKS, BAD_ALIAS, BAD_TOPIC, MALFORMED, PROTOCOL_ERROR, TOO_LARGE, V5, V311

WRONG = (MALFORMED, PROTOCOL_ERROR)
BAD_NAME = (BAD_TOPIC, MALFORMED, PROTOCOL_ERROR)
FROM_CLIENT = ("PUBLISH", *ACKS, "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ", "DISCONNECT")
FROM_SERVER = {
    "CONNACK": bytes(3),
    "SUBACK": b"\0\1\0\0",
    "UNSUBACK": b"\0\1\0\0",
    "PINGRESP": b"",
}

# A value for each property that is right where the property may be.
VALUES = dict(payload_format=1, message_expiry=10, content_type="text", response_topic="answer", correlation_data=b"1",
              subscription_id=7, session_expiry=10, assigned_client_id="c", server_keep_alive=10, auth_method="m",
              auth_data=b"d", request_problem_information=1, will_delay=10, request_response_information=1,
              response_information="i", server_reference="s", reason_string="why", receive_maximum=10,
              topic_alias_maximum=10, topic_alias=1, maximum_qos=1, retain_available=1, user_property=("k", "v"),
              maximum_packet_size=1000, wildcard_available=1, subscription_ids_available=1, shared_available=1)
# By kind: what has this block of properties. CONNECT and WILL are for new connections.
WITH_PROPERTIES = {
    "PUBLISH": lambda block: mqtt.publish("t", b"p", properties=block),
    "PUBACK": lambda block: mqtt.ack("PUBACK", 1, 0, block),
    "PUBREC": lambda block: mqtt.ack("PUBREC", 1, 0, block),
    "PUBREL": lambda block: mqtt.ack("PUBREL", 1, 0, block),
    "PUBCOMP": lambda block: mqtt.ack("PUBCOMP", 1, 0, block),
    "SUBSCRIBE": lambda block: mqtt.subscribe(1, ("f", 0), properties=block),
    "UNSUBSCRIBE": lambda block: mqtt.unsubscribe(1, "f", properties=block),
    "DISCONNECT": lambda block: mqtt.disconnect(0, block),
    "AUTH": lambda block: mqtt.ending("AUTH", mqtt.AGAIN, block),
    "CONNECT": lambda block: mqtt.connect(fresh(), properties=block),
    "WILL": lambda block: mqtt.connect(fresh(), will=dict(properties=block)),
}
NEW_CONNECTION = ("CONNECT", "WILL")


def refused_connect(broker, version, data):
    """What a connection is told that begins with `data`, and is closed then: a reason, or None for not a word."""
    client = broker.client(version)
    client.send(data)
    said = client.rest()
    assert [each.kind for each in said] in ([], ["CONNACK"]), said
    return said[0].reason if said else None


def judged(broker, version, data, *, new=False):
    """The reason for which the connection ends on which `data` comes (None: not a word)."""
    if new:
        return refused_connect(broker, version, data)
    client = broker.connect(version=version)
    client.send(data)
    said = client.rest()
    assert [each.kind for each in said] in ([], ["DISCONNECT"]), said
    return said[0].reason if said else None


def check(broker, witness, version, rows, *, new=False):
    """Every row ends its connection for one of its reasons, and disturbs nobody. Says all that do not."""
    wrong = []
    for name, data, reasons in rows:
        try:
            got = judged(broker, version, data, new=new)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
            continue
        allowed = reasons if isinstance(reasons, tuple) else (reasons,)
        if (got not in allowed) if version == V5 else (got is not None):
            wrong.append(f"{name}: {got if got is None else hex(got)}, not {[hex(each) for each in allowed]}")
        witness.check()
    assert not wrong, "\n".join(wrong)


def well_formed(version):
    """{kind: body} of packets that a client may send; those that answer something are unexpected, but well formed."""
    empty = b"\0" if version == V5 else b""
    return {
        "PUBLISH": mqtt.text("t") + empty + b"payload",
        **dict.fromkeys(ACKS, b"\0\1"),
        "SUBSCRIBE": b"\0\1" + empty + mqtt.text("f") + b"\0",
        "UNSUBSCRIBE": b"\0\1" + empty + mqtt.text("f"),
        "PINGREQ": b"",
        "DISCONNECT": b"",
        **({"AUTH": b"\x19" + mqtt.block(dict(auth_method="m"))} if version == V5 else {}),
    }


# --- the fixed header ---


# MQTT5 [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1] [MQTT-4.13.1-1]
# MQTT311 [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-4.8.0-1]
def test_reserved_flags_have_one_value(broker, witness, version):
    check(broker, witness, version, [
        (f"{kind} with flags {flags:04b}", mqtt.packet(kind, body, flags), MALFORMED)
        for kind, body in well_formed(version).items() if kind != "PUBLISH"
        for flags in range(16) if flags != mqtt.FLAGS[kind]])


# MQTT5 [MQTT-3.3.1-2] [MQTT-3.3.1-4] [MQTT-2.2.1-2]
# MQTT311 [MQTT-3.3.1-2] [MQTT-3.3.1-4]
def test_publish_has_a_qos_and_dup_only_with_one(broker, witness, version):
    rest = mqtt.text("t") + b"\0\1" + (b"\0" if version == V5 else b"")
    check(broker, witness, version, [
        (f"flags {flags:04b}", mqtt.packet("PUBLISH", rest, flags), MALFORMED if flags & 6 == 6 else WRONG)
        for flags in (0b0110, 0b0111, 0b1110, 0b1111, 0b1000, 0b1001)])


# MQTT5 [MQTT-4.13.1-1]
# MQTT311 [MQTT-4.8.0-1]
def test_clients_do_not_send_what_servers_send(broker, witness, version):
    rows = [(kind, mqtt.packet(kind, body if version == V5 else body[:2 if kind != "SUBACK" else 3]), PROTOCOL_ERROR)
            for kind, body in FROM_SERVER.items()]
    check(broker, witness, version, rows)


# MQTT5 [MQTT-4.13.1-1] [MQTT-4.13.2-1]
# MQTT311 [MQTT-4.8.0-1]
def test_there_is_no_packet_of_type_0_nor_before_5_of_type_15(broker, witness, version):
    rows = [("type 0", mqtt.packet(0), MALFORMED), ("type 0 with a body", mqtt.packet(0, b"abc"), MALFORMED)]
    check(broker, witness, version, rows + ([("AUTH", mqtt.packet("AUTH"), WRONG)] if version == V311 else []))


# MQTT5 [MQTT-1.5.5-1]
def test_the_remaining_length_has_four_bytes_and_no_padding(broker, witness, version):
    rows = [(kind, bytes([mqtt.TYPES[kind] << 4 | mqtt.FLAGS[kind]]) + b"\xff\xff\xff\xff\x01", MALFORMED)
            for kind in FROM_CLIENT if kind != "PUBLISH"]
    if version == V5:
        rows += [("padded PINGREQ", b"\xc0\x80\x00", MALFORMED), ("padded PUBREL", b"\x62\x82\x00\0\1", MALFORMED)]
    check(broker, witness, version, rows)


# --- bodies ---


# MQTT5 [MQTT-4.13.1-1]
# MQTT311 [MQTT-4.8.0-1]
def test_a_body_that_ends_within_a_field_is_malformed(broker, witness, version):
    whole = dict(well_formed(version), PUBLISH=mqtt.text("t"), CONNACK=None)
    least = {"PINGREQ": 0, "DISCONNECT": 0, "AUTH": 0, "SUBSCRIBE": None, "UNSUBSCRIBE": None}
    rows = []
    for kind in FROM_CLIENT:
        body, shortest = whole[kind], least.get(kind, len(whole[kind]))
        if shortest is None:  # without a filter they are wrong for another reason
            shortest = len(body)
        rows += [(f"{kind} with {size} bytes", mqtt.packet(kind, body[:size]), WRONG)
                 for size in range(shortest) if size != (3 if version == V5 else 2)]
    rows += [("PUBLISH QoS 1 without an identifier", mqtt.packet("PUBLISH", mqtt.text("t"), 2), MALFORMED),
             ("PUBLISH QoS 1 with half of one", mqtt.packet("PUBLISH", mqtt.text("t") + b"\0", 2), MALFORMED)]
    check(broker, witness, version, rows)


# MQTT5 [MQTT-4.13.1-1]
# MQTT311 [MQTT-4.8.0-1]
def test_nothing_is_left_over_behind_the_last_field(broker, witness, version):
    with_rest = {**{kind: mqtt.ack(kind, 1, 0, {}) for kind in ACKS}, "DISCONNECT": mqtt.disconnect(0, {})}
    if version == V311:
        with_rest = {**{kind: mqtt.ack(kind, 1) for kind in ACKS}, "DISCONNECT": mqtt.disconnect()}
    with_rest["PINGREQ"] = mqtt.PINGREQ
    check(broker, witness, version, [
        (kind, bytes([data[0]]) + mqtt.varint(len(data) - 2 + 1) + data[2:] + b"x", WRONG)
        for kind, data in with_rest.items()])


# MQTT5 [MQTT-2.2.1-3] [MQTT-2.2.1-5]
# MQTT311 [MQTT-2.3.1-1]
def test_no_packet_has_the_identifier_0(broker, witness, version):
    rows = [(f"PUBLISH QoS {qos}", mqtt.publish("t", version=version, qos=qos, packet_id=0), WRONG) for qos in (1, 2)]
    rows += [("SUBSCRIBE", mqtt.subscribe(0, ("f", 0), version=version), WRONG),
             ("UNSUBSCRIBE", mqtt.unsubscribe(0, "f", version=version), WRONG)]
    rows += [(kind, mqtt.ack(kind, 0), WRONG) for kind in ACKS]
    check(broker, witness, version, rows)


# MQTT5 [MQTT-3.1.0-2]
# MQTT311 [MQTT-3.1.0-2]
def test_a_second_connect_is_a_protocol_error(broker, witness, version):
    client_id = fresh()
    client = broker.connect(client_id, version)
    client.send_connect(client_id)
    client.expect_end(PROTOCOL_ERROR)
    witness.check()


# MQTT5 [MQTT-3.3.2-2] [MQTT-4.7.0-1] [MQTT-4.7.3-1]
# MQTT311 [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1]
def test_a_topic_is_published_to_by_its_full_name(broker, witness, version):
    names = ("#", "+", "a/+", "a/#", "+/a", "a/b+c", "a/b#", "/+/")
    rows = [(f"{name} QoS {qos}", mqtt.publish(name, version=version, qos=qos, packet_id=qos or None), BAD_NAME)
            for name in names for qos in (0, 1, 2)]
    rows.append(("no topic", mqtt.publish("", version=version), PROTOCOL_ERROR))
    check(broker, witness, version, rows)


BAD_TEXTS = {
    "half a character": b"a\xc3",
    "overlong": b"\xc0\xaf",
    "overlong NUL": b"\xc0\x80",
    "a surrogate": b"\xed\xa0\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "no first byte": b"\x80abcdefghij",
    "NUL": b"abc\0def",
    "NUL alone": b"\0",
}


# MQTT5 [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.3.2-1] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2]
# MQTT311 [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.3.2-1] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2]
@pytest.mark.parametrize("name", BAD_TEXTS)
def test_topics_and_filters_are_utf_8_without_nul(broker, witness, version, name):
    raw = BAD_TEXTS[name]
    check(broker, witness, version, [
        ("PUBLISH", mqtt.publish(raw, version=version), BAD_NAME),
        ("PUBLISH QoS 1", mqtt.publish(raw, version=version, qos=1, packet_id=1), BAD_NAME),
        ("SUBSCRIBE", mqtt.subscribe(1, (raw, 0), version=version), MALFORMED),
        ("second of SUBSCRIBE", mqtt.subscribe(1, ("f", 0), (raw, 0), version=version), MALFORMED),
        ("UNSUBSCRIBE", mqtt.unsubscribe(1, raw, version=version), MALFORMED),
    ])


# MQTT5 [MQTT-3.8.3-2] [MQTT-3.10.3-2] [MQTT-3.8.3-5] [MQTT-4.7.3-1]
# MQTT311 [MQTT-3.8.3-3] [MQTT-3.10.3-2] [MQTT-3-8.3-4] [MQTT-4.7.3-1]
def test_subscribe_and_unsubscribe_have_filters_with_sound_options(broker, witness, version):
    rows = [("SUBSCRIBE without a filter", mqtt.subscribe(1, version=version), PROTOCOL_ERROR),
            ("UNSUBSCRIBE without a filter", mqtt.unsubscribe(1, version=version), PROTOCOL_ERROR),
            ("QoS 3", mqtt.subscribe(1, ("f", 3), version=version), PROTOCOL_ERROR),
            ("QoS 3 in the second", mqtt.subscribe(1, ("f", 0), ("g", 3), version=version), PROTOCOL_ERROR)]
    rows += [(f"options {byte:08b}", mqtt.subscribe(1, ("f", byte), version=version), MALFORMED)
             for byte in ((0x40, 0x80, 0xc1) if version == V5 else (4, 8, 0x10, 0x20, 0x40, 0x80))]
    check(broker, witness, version, rows)


# MQTT5 [MQTT-3.8.3-4]
def test_subscription_options_of_5_have_sound_values(broker, witness):
    check(broker, witness, V5, [
        ("retain handling 3", mqtt.subscribe(1, ("f", mqtt.options(handling=3))), PROTOCOL_ERROR),
        ("no local, shared", mqtt.subscribe(1, ("$share/g/f", mqtt.options(no_local=True))), PROTOCOL_ERROR),
    ])


# MQTT5 [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.14.2-1] [MQTT-3.15.2-1]
def test_reason_codes_are_those_of_the_packet(broker, witness):
    known = dict(PUBACK={0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}, PUBREL={0, 0x92}, PUBCOMP={0, 0x92},
                 DISCONNECT={0, 4, *range(0x80, 0x84), 0x90, *range(0x93, 0x9a)}, AUTH={0, 0x18, 0x19})
    known["PUBREC"] = known["PUBACK"]
    codes = (1, 2, 3, 5, 0x11, 0x7f, 0x84, 0x8a, 0x8d, 0xa3, 0xff)
    rows = [(f"{kind} {code:#x}", mqtt.ack(kind, 1, code), WRONG)
            for kind in ACKS for code in codes if code not in known[kind]]
    rows += [(f"{kind} {code:#x}", mqtt.ending(kind, code, dict(auth_method="m") if kind == "AUTH" else {}), WRONG)
             for kind in ("DISCONNECT", "AUTH") for code in codes if code not in known[kind]]
    check(broker, witness, V5, rows)


# MQTT5 [MQTT-4.12.0-7]
def test_auth_without_a_method_in_connect_is_a_protocol_error(broker, witness):
    check(broker, witness, V5, [
        (f"reason {reason:#x}", mqtt.ending("AUTH", reason, dict(auth_method="m")), PROTOCOL_ERROR)
        for reason in (0x18, 0x19)])


# --- properties ---


def rows_with(make):
    """{kind: rows} where make(kind, name, bytes of the property) yields blocks with their reasons."""
    return {kind: [(f"{kind}: {name}", WITH_PROPERTIES[kind](block), reasons)
                   for name in mqtt.PROPERTIES
                   for block, reasons in make(kind, name, mqtt.property_bytes(name, VALUES[name]))]
            for kind in WITH_PROPERTIES}


def misplaced(kind, name, raw):
    if kind not in mqtt.PROPERTIES[name].packets:
        yield raw, MALFORMED
    elif kind in mqtt.PROPERTIES[name].from_server:
        yield raw, WRONG


def doubled(kind, name, raw):
    if kind in mqtt.PROPERTIES[name].packets and name != "user_property":
        method = mqtt.property_bytes("auth_method", "m") if name == "auth_data" else b""
        yield method + raw + raw, WRONG if kind in mqtt.PROPERTIES[name].from_server else PROTOCOL_ERROR


def cut(kind, name, raw):
    if kind in mqtt.PROPERTIES[name].packets:
        allowed = WRONG if kind in mqtt.PROPERTIES[name].from_server else MALFORMED
        yield from ((raw[:size], allowed) for size in range(1, len(raw)))


def ill_formed(kind, name, raw):
    found = mqtt.PROPERTIES[name]
    if kind in found.packets and kind not in found.from_server and found.kind in ("text", "pair"):
        for bad in BAD_TEXTS.values():
            values = [bad] if found.kind == "text" else [(bad, "v"), ("k", bad)]
            yield from ((mqtt.property_bytes(name, value), MALFORMED) for value in values)


def out_of_range(kind, name, raw):
    """Values that the standard does not allow."""
    zeros = ("receive_maximum", "maximum_packet_size", "subscription_id")
    switches = ("request_problem_information", "request_response_information")
    if kind not in mqtt.PROPERTIES[name].packets or kind in mqtt.PROPERTIES[name].from_server:
        return
    if name in zeros:
        yield mqtt.property_bytes(name, 0), PROTOCOL_ERROR
    if name in switches:
        yield mqtt.property_bytes(name, 2), PROTOCOL_ERROR
        yield mqtt.property_bytes(name, 255), PROTOCOL_ERROR
    if name == "payload_format":
        yield mqtt.property_bytes(name, 2), WRONG
    if name == "topic_alias":
        yield mqtt.property_bytes(name, 0), BAD_ALIAS
        yield mqtt.property_bytes(name, 0xffff), BAD_ALIAS
    if name == "response_topic":
        yield from ((mqtt.property_bytes(name, each), BAD_NAME) for each in ("a/+", "#"))
    if name == "auth_data":
        yield raw, PROTOCOL_ERROR
    if name == "subscription_id":
        yield bytes([11]) + b"\xff\xff\xff\xff\x01", MALFORMED
    if name == "session_expiry" and kind == "DISCONNECT":
        yield raw, PROTOCOL_ERROR  # it was 0 in CONNECT


# MQTT5 [MQTT-4.13.1-1] [MQTT-3.3.4-6]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_properties_are_in_packets_that_may_have_them(broker, witness, kind):
    check(broker, witness, V5, rows_with(misplaced)[kind], new=kind in NEW_CONNECTION)


# MQTT5 [MQTT-4.13.1-1]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_properties_are_there_once(broker, witness, kind):
    check(broker, witness, V5, rows_with(doubled)[kind], new=kind in NEW_CONNECTION)


# MQTT5 [MQTT-4.13.1-1]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_properties_are_whole(broker, witness, kind):
    check(broker, witness, V5, rows_with(cut)[kind], new=kind in NEW_CONNECTION)


# MQTT5 [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-1.5.7-1] [MQTT-3.3.2-13] [MQTT-3.3.2-19]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_text_properties_are_utf_8_without_nul(broker, witness, kind):
    check(broker, witness, V5, rows_with(ill_formed)[kind], new=kind in NEW_CONNECTION)


# MQTT5 [MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.3.2-14]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_properties_have_values_that_the_standard_allows(broker, witness, kind):
    check(broker, witness, V5, rows_with(out_of_range)[kind], new=kind in NEW_CONNECTION)


# MQTT5 [MQTT-2.2.2-1]
@pytest.mark.parametrize("kind", WITH_PROPERTIES)
def test_unknown_properties_and_wrong_lengths_are_malformed(broker, witness, kind):
    make = WITH_PROPERTIES[kind]
    unknown = [number for number in (0, 4, 127, 43, 10) if number not in (each.number for each in
                                                                          mqtt.PROPERTIES.values())]
    rows = [(f"property {number}", make(bytes([number, 0, 0])), MALFORMED) for number in unknown]
    if kind not in (*NEW_CONNECTION, "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE"):  # others go on behind the properties
        begin = {"DISCONNECT": b"\0", "AUTH": b"\x19"}.get(kind, b"\0\1\0")
        rows += [("a length beyond the packet", mqtt.packet(kind, begin + b"\5\x26\0\0"), MALFORMED),
                 ("a length without an end", mqtt.packet(kind, begin + b"\xff\xff\xff\xff"), MALFORMED)]
    check(broker, witness, V5, rows, new=kind in NEW_CONNECTION)


def test_an_alias_without_a_topic_is_known(broker, witness):
    check(broker, witness, V5, [("never named", mqtt.publish("", properties=dict(topic_alias=3)), PROTOCOL_ERROR)])


# --- CONNECT ---


def bodies_of_connect(version):
    """A CONNECT with everything, and where its fields end."""
    properties = dict(session_expiry=1) if version == V5 else {}
    return mqtt.connect(fresh(), version, properties=properties, user="u", password="p",
                        will=dict(topic="w", payload=b"x", qos=1, properties={}))


# MQTT5 [MQTT-3.1.4-1] [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT-3.1.2-9] [MQTT-3.1.2-17] [MQTT-3.1.2-19]
# MQTT311 [MQTT-3.1.4-1] [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21] [MQTT-3.2.2-6]
def test_a_connect_that_ends_too_early_is_refused(broker, witness, version):
    body = bodies_of_connect(version)[2:]
    check(broker, witness, version, [
        (f"{size} bytes", mqtt.packet("CONNECT", body[:size]), (None, MALFORMED, PROTOCOL_ERROR))
        for size in range(8, len(body))], new=True)


# MQTT5 [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-12] [MQTT-3.1.2-13] [MQTT-3.1.2-16] [MQTT-3.1.2-18]
# MQTT311 [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-14] [MQTT-3.1.2-15] [MQTT-3.1.2-18] [MQTT-3.1.2-20]
def test_the_flags_of_connect_are_sound_and_say_what_follows(broker, witness, version):
    make = lambda **options: mqtt.connect(fresh(), version, **options)  # noqa: E731
    rows = [
        ("the reserved flag", make(flag_bits=0x01), MALFORMED),
        ("will QoS without a will", make(flag_bits=0x08), MALFORMED),
        ("will QoS 2 without a will", make(flag_bits=0x10), MALFORMED),
        ("will retain without a will", make(flag_bits=0x20), MALFORMED),
        ("will QoS 3", make(will=dict(qos=3)), MALFORMED),
        ("a will that is not announced", make(will=dict(topic="w"), flags=0x02), MALFORMED),
        ("a user name that is not announced", make(user="u", flags=0x02), MALFORMED),
        ("a password that is not announced", make(user="u", password="p", flags=0x82), MALFORMED),
        ("flags of the fixed header", bytes([0x11]) + make()[1:], MALFORMED),
        ("flags of the fixed header", bytes([0x18]) + make()[1:], MALFORMED),
    ]
    check(broker, witness, version, rows, new=True)


# MQTT311 [MQTT-3.1.2-22]
def test_before_5_there_is_no_password_without_a_user_name(broker, witness):
    assert refused_connect(broker, V311, mqtt.connect(fresh(), V311, password="p")) is None
    witness.check()


# MQTT5 [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12] [MQTT-1.5.4-1] [MQTT-1.5.4-2]
# MQTT311 [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] [MQTT-1.5.3-1] [MQTT-1.5.3-2]
@pytest.mark.parametrize("name", BAD_TEXTS)
def test_the_texts_of_connect_are_utf_8_without_nul(broker, witness, version, name):
    raw = BAD_TEXTS[name]
    rows = [("client id", mqtt.connect(raw, version), (MALFORMED, mqtt.BAD_CLIENT_ID)),
            ("will topic", mqtt.connect(fresh(), version, will=dict(topic=raw)), BAD_NAME),
            ("user name", mqtt.connect(fresh(), version, user=raw), (MALFORMED, mqtt.BAD_CREDENTIALS))]
    check(broker, witness, version, rows, new=True)


# MQTT5 [MQTT-4.7.3-1] [MQTT-4.7.0-1]
# MQTT311 [MQTT-4.7.3-1] [MQTT-4.7.1-1]
def test_a_will_has_a_topic_without_wildcards(broker, witness, version):
    check(broker, witness, version, [
        (topic, mqtt.connect(fresh(), version, will=dict(topic=topic)), BAD_NAME) for topic in ("", "#", "a/+", "a/#")
    ], new=True)


# MQTT5 [MQTT-3.1.2-1] [MQTT-3.1.2-2]
# MQTT311 [MQTT-3.1.2-1] [MQTT-3.1.2-2]
@pytest.mark.parametrize(("name", "level"), [("MQTX", 4), ("mqtt", 5), ("", 4), ("MQTT", 0), ("MQTT", 2), ("MQTT", 3),
                                             ("MQTT", 6), ("MQTT", 255), ("MQIsdp", 4), ("MQTTT", 5)])
def test_protocols_that_the_server_does_not_speak_are_refused(broker, witness, name, level):
    said = {}
    for version in (V311, V5):
        client = broker.client(version)
        client.send(mqtt.connect(fresh(), V5 if level > 4 else V311, name=name, level=level))
        raw = client.peer.receive_until_end()
        said[version] = raw
    # Which form the answer has is not said; that of the version that is nearest, or none at all.
    assert said[V5] in (b"", b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00"), said
    if name == "MQTT":
        assert said[V5], "a level that is not spoken is answered"
    witness.check()


# MQTT5 [MQTT-3.1.0-1]
# MQTT311 [MQTT-3.1.0-1]
def test_nothing_comes_before_connect(broker, witness, version):
    for kind, body in well_formed(version).items():
        assert refused_connect(broker, version, mqtt.packet(kind, body)) in (None, PROTOCOL_ERROR, MALFORMED), kind
        witness.check()


# MQTT5 [MQTT-3.2.2-15]
def test_a_packet_above_the_maximum_is_refused_before_it_is_there(broker_with):
    broker = broker_with(broker=dict(packet_size_max="1KiB"))
    client = broker.connect()
    assert client.connack.properties["maximum_packet_size"] == 1024
    client.publish("t", bytes(1000), qos=1)
    client.send(b"\x30" + mqtt.varint(2000))  # and nothing else
    client.expect_end(TOO_LARGE)
    old = broker.connect(version=V311)
    old.send(b"\x30" + mqtt.varint(2000))
    old.expect_end()
    assert refused_connect(broker, V5, b"\x10" + mqtt.varint(2000) + mqtt.connect("c")[2:]) in (None, TOO_LARGE)


# --- anything at all ---


def a_conversation(version):
    """One of everything that a client says."""
    stem = fresh("t/")
    return b"".join([
        mqtt.connect(fresh(), version, user="u", password="p", will=dict(topic=stem, payload=b"w", qos=1)),
        mqtt.subscribe(1, (stem + "/#", 2), (stem + "/+", 1), version=version),
        *(mqtt.publish(f"{stem}/{qos}", b"payload", version, qos=qos, packet_id=qos + 1 if qos else None)
          for qos in (0, 1, 2)),
        *(mqtt.ack(kind, number) for kind in ACKS for number in (1, 3)),
        mqtt.unsubscribe(2, stem + "/+", version=version), mqtt.PINGREQ, mqtt.disconnect()])


# MQTT5 [MQTT-4.13.1-1]
# MQTT311 [MQTT-4.8.0-1]
def test_whatever_bytes_come_nobody_else_is_disturbed(broker, witness, version):
    print(f"HOLDFAST_SEED={SEED}")
    dice = random.Random(SEED)
    for number in range(150):
        data = bytearray(a_conversation(version))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data))
            change = dice.randrange(4)
            if change == 0:
                data[at] ^= 1 << dice.randrange(8)
            elif change == 1:
                data[at] = dice.choice((0, 1, 0x7f, 0x80, 0xff))
            elif change == 2:
                del data[at:at + dice.randint(1, 8)]
            else:
                data[at:at] = dice.randbytes(dice.randint(1, 8))
        client = broker.client(version)
        client.send(bytes(data))
        client.half_close()
        client.peer_end()
        if number % 10 == 0:
            witness.check()
