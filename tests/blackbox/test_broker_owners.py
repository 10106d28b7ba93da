"""A session belongs to the user who made it: another who comes with its client id begins a new one."""
import pytest

from broker_process import fresh, listener
from mqtt_packets import V311
from test_broker_features import users_file

KEPT = {"session_expiry": 600}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_session_is_for_the_user_who_made_it(broker_process, directory, workers):
    broker = broker_process(workers=workers, listeners=[listener("open", anonymous="allow")],
                            auth={"anonymous": "deny", **users_file(directory, {"name": "alice"}, {"name": "carl"})})
    alice = dict(user="alice", password="geheim", clean=False, properties=KEPT)
    carl = {**alice, "user": "carl"}
    topic = fresh("t/")
    publisher = broker.connect(user="alice", password="geheim")

    def leave_behind(client_id):
        client = broker.connect(client_id, **alice)
        client.subscribe(topic)
        client.leave()
        publisher.publish(topic, b"for alice")

    def until_end(client):
        end = fresh("end/")
        client.subscribe(end)
        publisher.publish(topic, b"live")
        publisher.publish(end, b"end")
        return list(iter(lambda: client.message().payload, b"end"))

    def comes(client_id, listener="m", **how):
        client = broker.client(listener=listener)
        connack = client.connect(client_id, **how)
        got = [each.payload for each in client.until_pong()] + until_end(client)
        client.leave()
        return connack.session_present, got

    leave_behind("a1")
    assert comes("a1", **alice) == (True, [b"for alice", b"live"])
    leave_behind("a2")
    assert comes("a2", **carl) == (False, [])
    assert comes("a2", **alice) == (False, [])
    leave_behind("a3")
    assert comes("a3", listener="open", clean=False, properties=KEPT) == (False, [])
    leave_behind("a4")
    claims_to_be = dict(user="nobody knows", password="x", clean=False, properties=KEPT)
    assert comes("a4", listener="open", **claims_to_be) == (False, [])
    # Who has not been vouched for is nobody, whatever the name.
    assert comes("a4", listener="open", clean=False, properties=KEPT) == (True, [])
    page = broker.gateway.metrics()
    assert page.value("holdfast_broker_dropped_total", reason="session_ended") == 3


def test_a_connection_is_taken_over_without_its_session(broker_process, directory):
    broker = broker_process(auth={"anonymous": "deny", **users_file(directory, {"name": "alice"}, {"name": "carl"})})
    topic = fresh("t/")
    for version, client_id in ((V311, "v3"), (5, "v5")):
        first = broker.connect(client_id, version=version, user="alice", password="geheim", clean=False)
        first.subscribe(topic)
        second = broker.client(version=version)
        connack = second.connect(client_id, user="carl", password="geheim", clean=False)
        assert not connack.session_present
        first.rest()
        broker.connect(user="alice", password="geheim").publish(topic, b"for alice")
        assert second.until_pong() == []
