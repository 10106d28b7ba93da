"""What the broker can do beyond the standard: who may come in and do what, limits, special topics, WebSocket."""
import json
import time
from collections import Counter

import pytest

import mqtt_packets as mqtt
import proxy_headers
import websocket_client as ws
from broker_process import listener
from environment import scaled, wait_until
from mqtt_client import fresh
from mqtt_packets import V5, V31, V311

# "geheim" with bcrypt of cost 5.
HASH = "$2b$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu"


def users_file(directory, *users):
    path = directory / "users.toml"
    tables = ["[[user]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in
                                       {"password_hash": HASH, **user}.items()) for user in users]
    path.write_text("\n\n".join(tables) + "\n")
    return {"chain": [{"module": "file", "path": str(path)}]}


def acl_file(directory, *rules, **keys):
    path = directory / "acl"
    path.write_text("\n".join(rules) + "\n")
    return {"acl": {"path": str(path), **keys}}


# --- who comes in ---


def test_passwords_are_checked_and_anonymous_clients_refused(broker_process, directory):
    broker = broker_process(auth={"anonymous": "deny", **users_file(directory, {"name": "ann"}, {"name": "bob"})})
    broker.connect(user="ann", password="geheim")
    broker.connect(user="bob", password="geheim", version=V311)
    broker.connect(user="bob", password="geheim", version=V31)
    cases = [
        (dict(user="ann", password="falsch"), mqtt.BAD_CREDENTIALS, 4),
        (dict(user="ann", password=""), mqtt.BAD_CREDENTIALS, 4),
        (dict(user="ann"), mqtt.BAD_CREDENTIALS, 4),
        (dict(user="nobody", password="geheim"), mqtt.BAD_CREDENTIALS, 4),
        (dict(), mqtt.NOT_AUTHORIZED, 5),
    ]
    for options, v5, v311 in cases:
        assert broker.refused(**options) == v5, options
        assert broker.refused(**options, version=V311) == v311, options
    page = broker.gateway.metrics()
    assert page.value("holdfast_broker_connects_refused_total") == 2 * len(cases)
    assert page.value("holdfast_broker_clients") == 3


def test_packets_are_counted_by_the_types_that_a_client_may_send(broker_process):
    broker = broker_process()
    client = broker.connect()
    client.subscribe("a")
    client.ping()
    types = broker.gateway.metrics().by("type", "holdfast_broker_packets_received_total")
    assert set(types) == {"CONNECT", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ",
                          "DISCONNECT", "AUTH"}
    assert {each: count for each, count in types.items() if count} == {"CONNECT": 1, "SUBSCRIBE": 1, "PINGREQ": 1}


def test_a_right_password_is_hashed_once(broker_process, directory):
    broker = broker_process(auth={"anonymous": "deny", **users_file(directory, {"name": "ann"})})
    for _ in range(10):
        broker.connect(user="ann", password="geheim")
    page = broker.gateway.metrics()
    assert page.value("holdfast_auth_passwords_hashed_total") == 1
    assert page.value("holdfast_auth_passwords_known_total") == 9


def test_a_listener_lets_anonymous_clients_in_where_others_do_not(broker_process):
    broker = broker_process(auth={"anonymous": "deny"}, listeners=[listener("open", anonymous="allow")])
    broker.client(listener="open").connect()
    assert broker.refused() == mqtt.NOT_AUTHORIZED


def test_users_are_bound_to_client_ids_and_addresses(broker_process, directory):
    auth = users_file(directory, {"name": "ids", "client_ids": ["one", "two"]},
                      {"name": "near", "addresses": ["127.0.0.0/8"]}, {"name": "far", "addresses": ["192.0.2.0/24"]})
    broker = broker_process(auth={"anonymous": "deny", **auth})
    broker.connect("two", user="ids", password="geheim")
    broker.connect(user="near", password="geheim")
    assert broker.refused("three", user="ids", password="geheim") == mqtt.NOT_AUTHORIZED
    assert broker.refused(user="far", password="geheim") == mqtt.NOT_AUTHORIZED


# --- what they may do ---


RULES = """\
# who watches
allow user ann subscribe watch/#
allow user ann publish ann/only
deny all all secret/#
allow all all by-user/%u/# by-client/%c/#
allow all subscribe eq plain/#
allow client special all special
allow address 127.0.0.1 publish from-here
deny all publish from-here
allow all publish open/+/out""".splitlines()


def acl_broker(broker_process, directory, **keys):
    auth = {"anonymous": "allow", **users_file(directory, {"name": "ann"}, {"name": "root", "superuser": True}),
            **acl_file(directory, *RULES, **keys)}
    return broker_process(auth=auth)


def test_rules_decide_in_their_order(broker_process, directory):
    broker = acl_broker(broker_process, directory)
    ann = broker.connect("ann-1", user="ann", password="geheim")
    nobody = broker.connect("n")
    special = broker.connect("special")
    root = broker.connect(user="root", password="geheim")
    ok, no = 0, mqtt.NOT_AUTHORIZED
    for client, topic, wanted in [
            (ann, "ann/only", ok), (nobody, "ann/only", no), (ann, "secret/x", no), (root, "secret/x", ok),
            (ann, "by-user/ann/x", ok), (ann, "by-user/bob/x", no), (nobody, "by-user//x", no),
            (nobody, "by-client/n/x", ok), (nobody, "by-client/m/x", no), (special, "special", ok),
            (nobody, "special", no), (nobody, "from-here", ok), (nobody, "open/1/out", ok), (nobody, "open/1/in", no),
            (nobody, "unnamed", no), (root, "unnamed", ok)]:
        code = client.publish(topic)
        assert (code if code >= 0x80 else 0) == wanted, (client.client_id, topic, hex(code))
    for client, filter_, wanted in [
            (ann, "watch/#", 2), (ann, "watch/+/x", 2), (nobody, "watch/#", no), (ann, "#", no), (nobody, "plain/#", 2),
            (nobody, "plain/x", no), (nobody, "by-client/n/#", 2), (nobody, "by-client/+/#", no), (root, "#", 2),
            (ann, "$share/g/watch/#", 2), (nobody, "$share/g/watch/#", no)]:
        assert client.subscribe(filter_) == (wanted,), (client.client_id, filter_)
    assert broker.gateway.metric("holdfast_broker_messages_denied_total") == 8


def test_no_match_may_allow_and_a_denied_publisher_may_be_ignored(broker_process, directory):
    broker = acl_broker(broker_process, directory, no_match="allow")
    watcher, client, old = broker.watcher("#", user="root", password="geheim"), broker.connect(), broker.connect(version=V311)
    client.send_publish("secret/a", b"denied")
    assert client.publish("unnamed", b"allowed") < 0x80
    assert old.publish("secret/b", b"denied") == 0  # which has no words for it
    old.publish("last", b"last")
    assert [each.payload for each in watcher.messages(2)] == [b"allowed", b"last"]


@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_denied_publisher_may_be_disconnected(broker_process, directory, version, qos):
    broker = acl_broker(broker_process, directory, when_denied="disconnect")
    client, other = broker.connect(version=version), broker.connect(version=version)
    assert other.subscribe("watch/#") == ((mqtt.NOT_AUTHORIZED if version == V5 else 0x80),)
    other.ping()  # a subscription is refused, no more
    client.send_publish("secret/a", qos=qos)
    ends = [each for each in client.rest() if each.kind == "DISCONNECT"]
    assert [each.reason for each in ends] == ([mqtt.NOT_AUTHORIZED] if version == V5 else [])


def test_a_will_that_the_rules_deny_is_not_published(broker_process, directory):
    broker = acl_broker(broker_process, directory)
    watcher = broker.watcher("#", user="root", password="geheim")
    for topic in ("secret/will", "by-client/w/will"):
        broker.connect("w", will=dict(topic=topic)).vanish()
        broker.gateway.wait_metric("holdfast_broker_clients", 1)
    assert watcher.message().topic == "by-client/w/will"
    assert watcher.until_pong() == []


# --- PROXY protocol ---


SOURCE, DESTINATION = "192.0.2.7:4711", "192.0.2.1:1883"


@pytest.mark.parametrize("header", [proxy_headers.v1(SOURCE, DESTINATION), proxy_headers.v2(SOURCE, DESTINATION)],
                         ids=["v1", "v2"])
@pytest.mark.parametrize("split", [1, 0], ids=["byte by byte", "at once"])
def test_the_client_is_who_the_proxy_header_says(broker_process, directory, header, split):
    rules = acl_file(directory, "allow address 192.0.2.0/24 publish from-far", "allow all subscribe $SYS/# #")
    broker = broker_process(listener=dict(proxy_protocol="required"), listeners=[listener("direct")],
                            auth={"anonymous": "allow", **rules})
    watcher = broker.client(listener="direct")
    watcher.connect()
    watcher.subscribe("$SYS/brokers/+/clients/+/connected")
    client = broker.client()
    whole = header + mqtt.connect("far")
    for piece in ([whole[i:i + 1] for i in range(len(whole))] if split else [whole]):
        client.peer.send(piece)
    assert client.expect("CONNACK").reason == 0
    told = json.loads(watcher.message().payload)
    assert (told["clientid"], told["ipaddress"]) == ("far", SOURCE)
    assert client.publish("from-far") < 0x80
    assert watcher.publish("from-far") == mqtt.NOT_AUTHORIZED
    assert broker.gateway.wait_log("client connected", client=SOURCE, client_id="far")


def test_probes_of_balancers_are_quiet(broker_process):
    broker = broker_process(listener=dict(proxy_protocol="required"))
    for probe in (proxy_headers.v2_of(proxy_headers.LOCAL), b""):
        client = broker.client()
        client.peer.send(probe)
        client.half_close()
        assert client.rest() == []
    broker.gateway.wait_metric("holdfast_closed_total", 2, reason="probe")
    assert [each for each in broker.gateway.log() if each["message"].startswith("client")] == []


def test_a_required_proxy_header_must_be_there_and_an_optional_one_need_not(broker_process):
    broker = broker_process(listener=dict(proxy_protocol="required", proxy_protocol_timeout="1m"),
                            listeners=[listener("soon", proxy_protocol="required", proxy_protocol_timeout="100ms"),
                                       listener("optional", proxy_protocol="optional"),
                                       listener("few", proxy_protocol="optional", proxy_protocol_from=["192.0.2.0/24"])])
    plain, broken, silent = broker.client(), broker.client(), broker.client(listener="soon")
    plain.send_connect()
    broken.peer.send(b"PROXY TCP9 nonsense\r\n")
    assert [each.rest() for each in (plain, broken, silent)] == [[], [], []]
    refused = broker.gateway.metrics().by("reason", "holdfast_refused_total")
    assert {reason: n for reason, n in refused.items() if n} == {"proxy_missing": 1, "proxy_malformed": 1, "proxy_timeout": 1}
    for header in (b"", proxy_headers.v1(SOURCE, DESTINATION), proxy_headers.v2(SOURCE, DESTINATION)):
        client = broker.client(listener="optional")
        client.peer.send(header + mqtt.connect())
        assert client.expect("CONNACK").reason == 0
    untrusted = broker.client(listener="few")
    untrusted.peer.send(proxy_headers.v1(SOURCE, DESTINATION) + mqtt.connect())
    assert untrusted.rest() == []
    broker.gateway.wait_metric("holdfast_refused_total", 1, listener="few", reason="proxy_untrusted")


# --- limits ---


def test_a_client_that_does_not_say_connect_is_closed(broker_process):
    broker = broker_process(listener=dict(connect_timeout="100ms"),
                            listeners=[listener("w", "websocket", connect_timeout="1s")])
    silent, half, web = broker.client(), broker.client(), broker.client(listener="w")
    half.peer.send(mqtt.connect("half")[:-1])
    upgraded = broker.websocket()
    assert [each.rest() for each in (silent, half, web, upgraded)] == [[]] * 4
    broker.gateway.wait_metric("holdfast_closed_total", 4, reason="connect_timeout")
    broker.wait_gone()


def test_a_packet_above_the_limit_ends_the_connection(broker_process):
    broker = broker_process(listener=dict(packet_size_max="1KiB"))
    topic = fresh()
    watcher, client = broker.watcher(topic), broker.connect()
    assert client.connack.properties["maximum_packet_size"] == 1024
    head = len(mqtt.publish(topic, bytes(900))) - 900
    client.publish(topic, bytes(1024 - head), qos=0)
    client.send_publish(topic, bytes(1025 - head))
    client.expect_end(mqtt.TOO_LARGE)
    assert len(watcher.message().payload) == 1024 - head
    assert watcher.until_pong() == []
    large = broker.client()
    large.send(mqtt.connect("x" * 1020))
    assert large.rest() == []  # its version was not read


def test_connections_beyond_the_limits_are_refused_and_counted(broker_process):
    broker = broker_process(workers=2, listener=dict(max_connections=3),
                            listeners=[listener("address", max_connections_per_address=2),
                                       listener("rate", accept_rate="1/h", accept_burst=2)])
    for name, fits, reason in [("m", 3, "max_connections"), ("address", 2, "max_connections_per_address"),
                               ("rate", 2, "accept_rate")]:
        clients = [broker.client(listener=name) for _ in range(fits)]
        for each in clients:
            each.connect()
        refused = [broker.client(listener=name) for _ in range(3)]
        assert [each.rest() for each in refused] == [[]] * 3, name
        broker.gateway.wait_metric("holdfast_refused_total", 3, listener=name, reason=reason)
        clients[0].leave()
        broker.gateway.wait_metric("holdfast_connections", fits - 1, listener=name)
        if name != "rate":
            broker.client(listener=name).connect()


@pytest.mark.parametrize("limits, messages, size, least_s", [
    (dict(message_rate="200/s", message_burst=20), 100, 10, 0.35),
    (dict(byte_rate="100KiB/s", byte_burst="20KiB"), 60, 1000, 0.3),
], ids=["messages", "bytes"])
@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
def test_a_client_above_its_rate_waits_and_loses_nothing(broker_process, limits, messages, size, least_s, kind):
    broker = broker_process(workers=2, listeners=[listener("slow", kind, **limits)])
    topic = fresh()
    watcher = broker.watcher(topic)
    client = broker.websocket(listener="slow") if kind == "websocket" else broker.client(listener="slow")
    client.connect()
    start = time.monotonic()
    for number in range(messages):
        client.send_publish(topic, b"%06d" % number + bytes(size), qos=number % 2)
    received = watcher.messages(messages)
    for qos in (0, 1):
        assert [int(each.payload[:6]) for each in received if each.qos == qos] == list(range(qos, messages, 2))
    for _ in range(messages // 2):
        client.expect("PUBACK")
    client.ping()  # what was taken at once is waited for afterwards
    assert time.monotonic() - start >= least_s


def test_a_client_that_was_made_to_wait_is_not_taken_for_silent(broker_process):
    broker = broker_process(listener=dict(message_rate="20/s", message_burst=1))
    topic = fresh()
    watcher, client = broker.watcher(topic), broker.client()
    client.connect(keep_alive=1)
    client.send(*(mqtt.publish(topic, b"%d" % number) for number in range(60)))  # three seconds of them
    client.send(mqtt.PINGREQ)
    assert [int(each.payload) for each in watcher.messages(60)] == list(range(60))
    client.expect("PINGRESP")


def test_a_mountpoint_keeps_the_clients_of_a_listener_to_themselves(broker_process, directory):
    broker = broker_process(workers=2, listeners=[listener("t", mountpoint="tenants/%c/")])
    outside = broker.watcher("#")
    a, b = broker.client(listener="t"), broker.client(listener="t")
    a.connect("a", will=dict(topic="gone", payload=b"will"))
    b.connect("b")
    for each in (a, b):
        each.subscribe("#", "$share/g/shared")
    a.send_publish("x", b"1", retain=True)
    assert (a.message().topic, outside.message().topic) == ("x", "tenants/a/x")
    a.send_publish("shared", b"2")
    assert [a.message().topic, a.message().topic] == ["shared"] * 2
    assert outside.message().topic == "tenants/a/shared"
    assert b.until_pong() == []
    assert a.subscribe("x") == (2,)
    assert a.message().retain
    assert a.unsubscribe("#", "x", "$share/g/shared") == (0, 0, 0)
    a.publish("x", b"3")
    assert a.until_pong() == []
    assert outside.message().payload == b"3"
    a.vanish()
    assert outside.message().topic == "tenants/a/gone"
    assert [broker.refused(name, listener="t") for name in ("a/x", "+", "#")] == [0x85] * 3


# --- special topics ---


@pytest.mark.parametrize("workers", [1, 2])
def test_delayed_messages_come_later(broker_process, workers):
    broker = broker_process(workers=workers, broker={"delayed": {"max_messages": 3, "max_delay": "10s"}})
    topic = fresh("t/")
    watcher, client = broker.watcher("#"), broker.connect()
    begun = time.monotonic()
    assert client.publish(f"$delayed/1/{topic}", b"late") < 0x80
    assert client.publish(f"$delayed/0/{topic}", b"soon") < 0x80
    client.publish(topic, b"now")
    came = {(message.topic, message.payload) for message in (watcher.message() for _ in range(3))}
    assert came == {(topic, b"late"), (topic, b"soon"), (topic, b"now")}
    assert time.monotonic() - begun >= 1
    assert [client.publish(each) for each in ("$delayed/11/a", "$delayed/x/a", "$delayed/1", "$delayed/1/")
            ] == [mqtt.QUOTA, mqtt.BAD_TOPIC, mqtt.BAD_TOPIC, mqtt.BAD_TOPIC]


def test_delayed_messages_beyond_the_limit_are_refused(broker_process):
    broker = broker_process(broker={"delayed": {"max_messages": 2}})
    client = broker.connect()
    assert [client.publish("$delayed/60/a") >= 0x80 for _ in range(4)] == [False, False, True, True]
    page = broker.gateway.metrics()
    assert page.value("holdfast_broker_delayed_messages") == 2
    assert page.value("holdfast_broker_delayed_refused_total") == 2


def test_topics_and_filters_are_rewritten(broker_process):
    rules = [{"action": "all", "from": "old/+/#", "to": "new/$1/$2"}, {"action": "publish", "from": "in/+", "to": "%c/$1"},
             {"action": "subscribe", "from": "mine", "to": "only/%c"}]
    broker = broker_process(workers=2, broker={"rewrite": rules})
    watcher, client = broker.watcher("#"), broker.connect("me")
    client.publish("old/a/b/c")
    client.publish("in/x")
    assert [each.topic for each in watcher.messages(2)] == ["new/a/b/c", "me/x"]
    assert client.subscribe("old/k/#", "mine") == (2, 2)
    watcher.send_publish("new/k/1", b"1")
    watcher.send_publish("only/me", b"2")
    assert [each.topic for each in client.messages(2)] == ["new/k/1", "only/me"]
    assert client.unsubscribe("mine", "old/k/#") == (0, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_are_subscribed_when_they_connect(broker_process, workers):
    broker = broker_process(workers=workers, broker={"auto_subscribe": [{"filter": "to/%c/#", "qos": 1}]})
    sender = broker.connect("sender")
    sender.publish("to/me/kept", b"retained", retain=True)
    client = broker.connect("me")
    assert client.message().payload == b"retained"
    sender.publish("to/me/a", b"hello", qos=2)
    got = client.message()
    assert (got.topic, got.payload, got.qos) == ("to/me/a", b"hello", 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_exclusive_subscription_has_one_holder(broker_process, workers):
    broker = broker_process(workers=workers, listener=dict(exclusive_available=True))
    clients = [broker.connect() for _ in range(6)]
    codes = [each.subscribe("$exclusive/a/b")[0] for each in clients]
    assert Counter(codes) == {2: 1, mqtt.QUOTA: 5}
    holder = clients[codes.index(2)]
    clients[-1].publish("a/b", b"x")
    assert holder.message().payload == b"x"
    assert holder.unsubscribe("$exclusive/a/b") == (0,)
    other = next(each for each in clients if each is not holder)
    wait_until(lambda: other.subscribe("$exclusive/a/b") == (2,), "the next one gets it")
    other.vanish()
    third = next(each for each in clients if each not in (holder, other))
    wait_until(lambda: third.subscribe("$exclusive/a/b") == (2,), "and the next, when that one has gone")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("strategy", ["round_robin", "random", "sticky", "hash_client", "hash_topic", "least_inflight"])
def test_shared_subscriptions_spread_by_their_strategy(broker_process, strategy, workers):
    broker = broker_process(workers=workers, broker={"shared_strategy": strategy})
    members = [broker.watcher("$share/g/s/#") for _ in range(4)]
    everything = broker.watcher("s/#")
    senders = [broker.connect() for _ in range(4)]
    count = 200
    for number in range(count):
        senders[number % 4].send_publish(f"s/{number // 4 % 5}", b"%d" % number, qos=number % 3 and 1)
    everything.messages(count)
    got, deadline = {index: [] for index in range(4)}, time.monotonic() + 15
    while sum(map(len, got.values())) < count:
        assert time.monotonic() < deadline, {index: len(each) for index, each in got.items()}
        for index, each in enumerate(members):
            for packet in each.until_pong():
                each.acknowledge(packet)
                got[index].append(packet)
    assert sorted(int(each.payload) for list_ in got.values() for each in list_) == list(range(count))
    shares = sorted(map(len, got.values()))
    if strategy == "round_robin":
        assert shares[0] >= count / 4 * 0.5, shares
    elif strategy == "random":
        assert shares[0] >= 10, shares
    elif strategy == "hash_topic":
        owners = {}
        for index, list_ in got.items():
            for each in list_:
                assert owners.setdefault(each.topic, index) == index
    elif strategy == "hash_client":
        owners = {}
        for index, list_ in got.items():
            for each in list_:
                assert owners.setdefault(int(each.payload) % 4, index) == index
    elif strategy == "sticky" and workers == 1:
        assert shares == [0, 0, 0, count]


def test_system_topics_have_the_names_that_people_monitor(broker_process):
    broker = broker_process(workers=2, broker={"sys_interval": "1s"}, node={"name": "n1", "workers": 2, "run_dir": ""})
    broker.connect().publish("kept", b"x", retain=True)
    watcher = broker.watcher("$SYS/#")
    wanted = {f"$SYS/brokers/n1/{each}" for each in (
        "version", "uptime", "datetime", "sysdescr", "stats/clients/count", "stats/clients/max", "stats/sessions/count",
        "stats/subscriptions/count", "stats/retained/count", "metrics/messages/received", "metrics/messages/sent",
        "metrics/bytes/received", "metrics/messages/dropped", "metrics/packets/publish/received")}
    wanted |= {f"$SYS/broker/{each}" for each in (
        "version", "uptime", "clients/connected", "clients/total", "clients/maximum", "messages/received",
        "messages/sent", "bytes/received", "bytes/sent", "subscriptions/count", "retained messages/count")}
    wanted.add("$SYS/brokers")
    seen = {}

    def complete():
        message = watcher.message()
        seen[message.topic] = message.payload.decode()
        return wanted <= seen.keys() and seen["$SYS/broker/clients/connected"] == "2"

    wait_until(complete, lambda: f"all of them; missing {wanted - seen.keys()}; {seen}")
    assert seen["$SYS/brokers"] == "n1"
    assert seen["$SYS/broker/uptime"].endswith(" seconds")
    assert int(seen["$SYS/brokers/n1/stats/clients/count"]) in (1, 2)
    everything = broker.watcher("#")
    assert [each.topic for each in everything.until_pong()] == ["kept"]  # wildcards do not reach them
    assert everything.publish("$SYS/mine") == mqtt.NOT_AUTHORIZED


def test_presence_is_told(broker_process):
    broker = broker_process(workers=2)
    watcher = broker.watcher("$SYS/brokers/+/clients/#")
    client = broker.connect("c-1", user="ann", properties={"session_expiry": 60})
    told = watcher.message()
    assert told.topic.split("/")[3:] == ["clients", "c-1", "connected"]
    assert json.loads(told.payload)["clientid"] == "c-1"
    client.vanish()
    told = watcher.message()
    assert told.topic.split("/")[3:] == ["clients", "c-1", "disconnected"]
    assert json.loads(told.payload)["reason"] == "client_closed"
    broker.connect("c-1").leave()
    assert [watcher.message().topic.rsplit("/", 1)[1] for _ in range(2)] == ["connected", "disconnected"]
    quoted = broker.connect('say "x"\\')
    assert json.loads(watcher.message().payload)["clientid"] == quoted.client_id
    broker.connect("a+b")  # no topic has room for this one
    assert watcher.until_pong() == []


# --- WebSocket ---


@pytest.fixture
def web(broker_process):
    return broker_process(workers=2, listeners=[listener("w", "websocket")])


@pytest.mark.parametrize("version", [V31, V311, V5])
def test_mqtt_over_websocket(web, version):
    client, plain = web.websocket(version), web.connect()
    assert client.protocol == "mqtt"
    client.connect()
    topic = fresh()
    client.subscribe(topic)
    for size in (0, 1, 125, 126, 1000, 65535, 65536, 100_000, 1_000_000):
        for sender in (plain, client):
            sender.send_publish(topic, bytes([size % 251]) * size)
            assert client.message().payload == bytes([size % 251]) * size
    client.ping()
    client.send(mqtt.disconnect() if version == V5 else mqtt.packet("DISCONNECT"))
    assert client.expect_close(1000) == []


def answered(client, sent):
    """What comes for it; the order of SUBACK, messages and PINGRESP among each other is the broker's."""
    got = [client.receive() for _ in range(52)]
    assert [int(each.payload) for each in got if each.kind == "PUBLISH"] == list(range(50)), sent
    assert Counter(each.kind for each in got) == {"SUBACK": 1, "PUBLISH": 50, "PINGRESP": 1}


def test_packets_and_frames_need_not_match(web):
    client, topic = web.websocket(), fresh()
    connect = mqtt.connect("split")
    for byte in connect:  # each in a frame of its own, and some of those in pieces
        client.send_raw(ws.frame(ws.BINARY, bytes([byte])))
    assert client.expect("CONNACK").reason == 0
    many = mqtt.subscribe(1, (topic, 0)) + b"".join(mqtt.publish(topic, b"%d" % i) for i in range(50)) + mqtt.PINGREQ
    client.send_raw(ws.frame(ws.BINARY, many))
    answered(client, many)
    for cut in range(1, len(many), 97):  # fragmented, with a ping in between
        pieces = ws.frame(ws.BINARY, many[:cut], final=False) + ws.frame(ws.PING, b"p") + ws.frame(
            ws.CONTINUATION, many[cut:])
        for at in range(0, len(pieces), 31):
            client.send_raw(pieces[at:at + 31])
        answered(client, many)
    assert set(client.peer.socket.controls) == {(ws.PONG, b"p")}


def test_connect_may_come_with_the_handshake_and_all_else_with_connect(web):
    client, topic = web.client(listener="w"), fresh()
    everything = mqtt.connect("eager") + mqtt.subscribe(1, (topic, 1)) + mqtt.publish(topic, b"me", qos=1, packet_id=7)
    client.peer.send(ws.request() + ws.frame(ws.BINARY, everything[:9]) + ws.frame(ws.BINARY, everything[9:]))
    status, headers = ws.read_head(client.peer)
    assert (status, headers["sec-websocket-protocol"]) == (101, "mqtt")
    client.peer = ws._Peer(client.peer)
    client.expect("CONNACK")
    assert {client.receive().kind for _ in range(3)} == {"SUBACK", "PUBLISH", "PUBACK"}


@pytest.mark.parametrize("what, sent, code", [
    ("not masked", ws.frame(ws.BINARY, mqtt.PINGREQ, masked=False), 1002),
    ("text", ws.frame(ws.TEXT, b"hello"), 1003),
    ("reserved bit", ws.frame(ws.BINARY, mqtt.PINGREQ, reserved=4), 1002),
    ("unknown opcode", ws.frame(3, b""), 1002),
    ("unknown control", ws.frame(11, b""), 1002),
    ("continues nothing", ws.frame(ws.CONTINUATION, b"x"), 1002),
    ("begins within another", ws.frame(ws.BINARY, b"", final=False) + ws.frame(ws.BINARY, b""), 1002),
    ("large ping", ws.frame(ws.PING, bytes(126)), 1002),
    ("ping in pieces", ws.frame(ws.PING, b"", final=False), 1002),
    ("close with one byte", ws.frame(ws.CLOSE, b"\x03"), 1002),
    ("close with a code for nobody", ws.frame(ws.CLOSE, (1005).to_bytes(2, "big")), 1002),
    ("close", ws.frame(ws.CLOSE, (1000).to_bytes(2, "big") + b"bye"), 1000),
    ("close without code", ws.frame(ws.CLOSE), 1000),
    ("going away", ws.frame(ws.CLOSE, (1001).to_bytes(2, "big")), 1001),
    ("malformed MQTT", ws.frame(ws.BINARY, b"\xf9\x00"), 1002),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_websocket_is_closed_with_the_code_that_fits(web, what, sent, code):
    witness = web.watcher("will")
    client = web.websocket()
    client.connect(will=dict(topic="will", payload=what.encode()))
    client.send_raw(sent)
    client.expect_close(code)
    assert witness.message().payload == what.encode()
    web.gateway.wait_metric("holdfast_broker_clients", 1)


@pytest.mark.parametrize("request_bytes, status", [
    (ws.request(path="/"), 404),
    (ws.request(path="/mqtt/x"), 404),
    (ws.request(Sec_WebSocket_Version="8"), 426),
    (ws.request(Upgrade=None), 426),
    (ws.request(Connection="close"), 426),
    (ws.request(key="short"), 400),
    (ws.request(Sec_WebSocket_Key=None), 400),
    (ws.request().replace(b"GET", b"POST", 1), 405),
    (b"nonsense\r\n\r\n", 400),
    (b"GET /mqtt HTTP/1.1\r\nX: " + b"x" * 9000, 431),
    (mqtt.connect("lost"), 400),
], ids=["root", "below", "version", "no upgrade", "no connection", "short key", "no key", "post", "nonsense", "large",
        "mqtt"])
def test_a_handshake_that_is_none_is_refused(web, request_bytes, status):
    client = web.client(listener="w")
    client.peer.send(request_bytes)
    if request_bytes.startswith(b"\x10"):
        client.half_close()
        client.rest_is_http = client.peer.receive_until_end()
        assert client.rest_is_http == b"" or client.rest_is_http.startswith(b"HTTP/1.1 4")
    else:
        got = ws.read_head(client.peer)[0]
        assert got == status or (status in (426, 405) and got == 400), got
        client.half_close()
    web.gateway.wait_metric("holdfast_connections", 0)


@pytest.mark.parametrize("offered, chosen", [("mqtt", "mqtt"), ("mqttv3.1", "mqttv3.1"), ("other, mqtt", "mqtt"),
                                             ("mqttv3.1, mqtt", "mqtt")])
def test_the_sub_protocol_is_chosen(web, offered, chosen):
    client = web.websocket(protocol=offered)
    assert client.protocol == chosen or (chosen == "mqtt" and client.protocol == "mqttv3.1")
    client.connect()


@pytest.mark.parametrize("offered", [None, "soap"])
def test_who_does_not_offer_mqtt_is_refused(web, offered):
    client = web.client(listener="w")
    client.peer.send(ws.request(protocol=offered))
    assert ws.read_head(client.peer)[0] == 400
    client.peer.expect_end()


def test_pings_of_websocket_are_answered(web):
    client = web.websocket()
    client.connect()
    for payload in (b"", b"x", bytes(125)):
        client.send_raw(ws.frame(ws.PING, payload) + ws.frame(ws.PONG, b"unasked"))
        assert client.control(ws.PONG) == payload
    client.ping()


# --- sessions and workers ---


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("kind", ["mqtt", "websocket"])
def test_the_session_is_found_whatever_worker_the_client_comes_to(broker_process, workers, kind):
    broker = broker_process(workers=workers, listeners=[listener("w", "websocket")])
    sender, topic = broker.connect(), fresh()
    ids = [fresh("session") for _ in range(4)]

    def come(name):
        client = broker.websocket() if kind == "websocket" else broker.client()
        client.connect(name, clean=False, properties={"session_expiry": 300})
        return client

    for name in ids:
        client = come(name)
        assert not client.connack.session_present
        client.subscribe(f"{topic}/{name}")
        client.leave() if kind == "mqtt" else client.close()
    rounds = scaled(15, 6)
    for number in range(rounds):
        for name in ids:
            sender.publish(f"{topic}/{name}", b"%d" % number, qos=2)
        for name in ids:
            client = come(name)
            assert client.connack.session_present, (name, number)
            assert client.message().payload == b"%d" % number
            client.close() if number % 2 or kind == "websocket" else client.leave()
    page = broker.gateway.metrics()
    assert page.value("holdfast_broker_sessions_resumed_total") == rounds * len(ids)
    assert page.value("holdfast_broker_sessions") == len(ids) + 1


@pytest.mark.parametrize("workers", [1, 3])
def test_a_session_that_ends_with_its_connection_is_not_there_for_who_takes_over(broker_process, workers):
    broker = broker_process(workers=workers)
    for version in (V311, V5):
        name = fresh()
        first = broker.connect(name, version=version)  # clean session, or no expiry
        first.subscribe("a")
        second = broker.connect(name, version=version, clean=False)
        assert not second.connack.session_present
        sender = broker.connect()
        sender.publish("a", b"x")
        assert second.until_pong() == []


@pytest.mark.parametrize("workers", [2, 3])
def test_who_subscribes_after_a_retained_message_was_acknowledged_gets_it(broker_process, workers):
    broker = broker_process(workers=workers)
    senders = [broker.connect() for _ in range(4)]
    for number in range(scaled(100, 40)):
        topic = fresh("retained/")
        senders[number % 4].publish(topic, b"%d" % number, retain=True)
        subscriber = broker.connect()
        subscriber.subscribe(topic)
        assert subscriber.message().payload == b"%d" % number
        subscriber.leave()
