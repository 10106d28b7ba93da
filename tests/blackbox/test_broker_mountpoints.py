"""Clients behind a mountpoint beside clients that see the whole tree."""
import pytest

from broker_process import listener


@pytest.fixture(params=[1, 2])
def broker(broker_process, request):
    return broker_process(workers=request.param, listeners=[listener("t", mountpoint="t/")])


def inside(broker, *filters, **options):
    client = broker.client(listener="t")
    client.connect(**options)
    if filters:
        client.subscribe(*filters)
    return client


def test_a_message_to_the_mountpoints_own_name_is_for_nobody_in_it(broker):
    everything, member = inside(broker, "#"), inside(broker, "$share/g/#")
    publisher = broker.connect()
    publisher.publish("t", b"its own name", retain=True)
    publisher.publish("t/x", b"behind it")
    for each in (everything, member):
        message = each.message()
        assert (message.topic, message.payload) == ("x", b"behind it")
    late = inside(broker, "#")
    publisher.publish("t/x", b"again")
    assert late.message().payload == b"again"


# MQTT5 [MQTT-4.7.2-1]
# MQTT311 [MQTT-4.7.2-1]
def test_a_wildcard_in_front_does_not_stand_for_a_dollar_behind_a_mountpoint(broker):
    publisher = inside(broker)
    subscribers = [inside(broker, filter) for filter in ("#", "+/bar", "$share/g/#")]
    publisher.publish("$foo/bar", b"own", retain=True)
    publisher.publish("a/bar", b"others'", retain=True)
    late = [inside(broker, filter) for filter in ("#", "+/bar")]
    for each in subscribers + late:
        assert each.message().payload == b"others'"
    named = inside(broker, "$foo/#")
    assert named.message().payload == b"own"
    publisher.publish("a/bar", b"end")
    for each in subscribers + late:
        assert each.message().payload == b"end"


def test_a_response_topic_is_carried_as_it_is(broker):
    asks, answers, outside = inside(broker, "answer"), inside(broker, "ask"), broker.watcher("t/ask")
    asks.publish("ask", b"?", properties={"response_topic": "answer"})
    for each in (answers, outside):
        assert each.message().properties["response_topic"] == "answer"
    answers.publish("answer", b"!")
    assert asks.message().payload == b"!"


def test_who_has_no_name_shares_a_tree_with_others_that_have_none(broker_process):
    broker = broker_process(listeners=[listener("u", mountpoint="of/%u/")])
    one, other, all_of_it = broker.client(listener="u"), broker.client(listener="u"), broker.watcher("of/#")
    one.connect()
    other.connect(user="claims it")  # nobody has vouched for that name
    other.subscribe("#")
    one.publish("x", b"1")
    assert other.message().topic == "x"
    assert all_of_it.message().topic == "of//x"
