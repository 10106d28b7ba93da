"""Topics above what a listener allows."""
import pytest

from broker_process import fresh, listener
from mqtt_packets import V5, V311
from test_broker_features import acl_file

TOPIC_NAME_INVALID = 0x90


@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize(("where", "levels_max"), [("m", 128), ("flat", 3)])
def test_a_topic_too_deep_is_not_accepted_and_the_connection_stays(broker_process, version, where, levels_max):
    broker = broker_process(listeners=[listener("flat", topic_levels_max=3)])
    watcher, client = broker.watcher("#"), broker.client(version, where)
    client.connect()
    deepest = "/".join("l" * levels_max)
    told = TOPIC_NAME_INVALID if version == V5 else 0
    for topic, reason in ((deepest, 0), (deepest + "/l", told), ("/".join("l" * 1000), told)):
        assert [client.publish(topic, b"m", qos=qos) for qos in (1, 2)] == [reason] * 2, topic
        client.publish(topic, b"m", qos=0)
    end = fresh("end")
    client.publish(end)
    assert [each.topic for each in watcher.messages(4)] == [deepest] * 3 + [end]
    assert broker.gateway.metrics().value("holdfast_broker_topics_refused_total", reason="too_deep") == 6


def test_an_alias_of_a_topic_too_long_is_not_accepted_either(broker_process):
    broker = broker_process(broker={"topic_length_max": 16})
    watcher, client = broker.watcher("#"), broker.connect()
    alias = {"topic_alias": 1}
    assert client.publish("before", b"1", properties=alias) == 0
    assert client.publish("t" * 65535, b"2", properties=alias) == TOPIC_NAME_INVALID
    assert client.publish("", b"3", properties=alias) == TOPIC_NAME_INVALID
    assert client.publish("after", b"4", properties=alias) == 0
    assert [each.payload for each in watcher.messages(2)] == [b"1", b"4"]
    assert broker.refused(will=dict(topic="t" * 17, payload=b"w")) == TOPIC_NAME_INVALID


def test_a_will_that_the_rules_deny_is_logged_and_counted(broker_process, directory):
    broker = broker_process(auth={"anonymous": "allow", **acl_file(directory, "deny all publish secret", "allow all all #")})
    watcher, client = broker.watcher("#"), broker.connect("unlucky", will=dict(topic="secret", payload=b"w"))
    broker.gateway.wait_log(message="will refused", client_id="unlucky", code="Not authorized")
    assert broker.gateway.metrics().value("holdfast_broker_messages_denied_total") == 1
    client.vanish()
    assert watcher.until_pong() == []
