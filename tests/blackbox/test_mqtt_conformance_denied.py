"""What the access rules deny, as the standards let a server deny it."""
import pytest

from mqtt_client import fresh
from mqtt_packets import NOT_AUTHORIZED, SUCCESS, V5

RULES = "deny all publish secret/#\ndeny all subscribe closed/#\nallow all all #\n"


@pytest.fixture
def guarded(broker_with, tmp_path):
    """guarded(when_denied="ignore"): a broker with these rules."""
    def start(**options):
        (tmp_path / "acl").write_text(RULES)
        return broker_with(auth=dict(anonymous="allow", acl=dict(path=str(tmp_path / "acl"), **options)))

    return start


# MQTT5 [MQTT-3.8.4-7] [MQTT-3.9.3-2] [MQTT-3.4.2-1] [MQTT-3.5.2-1]
# MQTT311 [MQTT-3.3.5-2] [MQTT-3.8.4-5]
def test_what_is_denied_is_acknowledged_and_goes_nowhere(guarded, version):
    broker = guarded()
    client = broker.connect(version=version)
    assert client.subscribe("closed/a", "open/a") == ((NOT_AUTHORIZED if version == V5 else 0x80), 2)
    for qos in (1, 2):
        reason = client.publish("secret/a", b"no", qos, retain=True)
        assert reason == (NOT_AUTHORIZED if version == V5 else SUCCESS)
    client.publish("secret/a", b"no", 0)
    client.publish("secret/a", b"no", 1)
    assert client.until_pong() == []


# MQTT5 [MQTT-4.3.3-9]
def test_after_a_refusal_the_same_identifier_is_a_new_message(guarded):
    broker = guarded()
    publisher, subscriber = broker.connect(), broker.connect()
    subscriber.subscribe("open/a")
    for _ in range(3):
        publisher.send_publish("secret/a", qos=2, packet_id=5)
        assert publisher.expect("PUBREC").reason == NOT_AUTHORIZED
    publisher.publish("open/a", b"p", qos=2, packet_id=5, dup=True)
    assert subscriber.message().payload == b"p"


# MQTT5 [MQTT-4.13.2-1] [MQTT-3.14.2-1]
# MQTT311 [MQTT-3.3.5-2]
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_or_ends_the_connection(guarded, version, qos):
    client = guarded(when_denied="disconnect").connect(version=version)
    client.send_publish("secret/a", b"no", qos)
    packets = client.rest()
    assert [each.kind for each in packets if each.kind not in ("PUBACK", "PUBREC")] == ["DISCONNECT"] * (version == V5)
    if version == V5:
        assert packets[-1].reason == NOT_AUTHORIZED


# MQTT5 [MQTT-3.1.2-7] [MQTT-3.1.4-2]
def test_a_will_that_is_denied_goes_nowhere(guarded, version):
    broker = guarded()
    watcher = broker.connect()
    assert watcher.subscribe("secret/#", "open/#") == (2, 2)
    client = broker.client(version)
    client.send_connect(fresh(), will=dict(topic="secret/a", payload=b"no"))
    if client.expect("CONNACK").reason == 0:
        client.vanish()
    broker.connect().publish("open/end", b"end")
    assert watcher.message().topic == "open/end"
