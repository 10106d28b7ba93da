"""What clients meet at a server takes it out of the pool: [pool.passive]."""
import collections
import contextlib
import time

import pytest

from configuration import config
from environment import undisturbed, wait_until

RULES = dict(errors=3, window="30s", eject="1s", eject_max="2h", eject_share=0.5, early_close="10s")


def pool(servers, **rules):
    return dict(servers=servers, policy="round_robin", slow_start="0s", passive={**RULES, **rules})


def errors_of(gateway, server):
    page = gateway.metrics()
    return sum(page.value(f"holdfast_server_{kind}_total", server=server) for kind in ("early_closes", "connect_failures"))


def use_up(gateway, server, errors):
    """Clients that come and go until they have met so many errors at the server."""
    def one_more():
        with contextlib.suppress(AssertionError, OSError):  # it was the one that closes
            with contextlib.closing(gateway.connect()) as client:
                client.ask(b"x")
        return errors_of(gateway, server) >= errors
    wait_until(one_more, f"{errors} errors of {server}")


def names_served(gateway, count=8):
    return collections.Counter(gateway.connect().served_by for _ in range(count))


def ejections(gateway, server):
    return [each["cause"] for each in gateway.log("server state", server=f"p/{server}", to="DOWN")]


@pytest.mark.parametrize("mode, last", [("closer", "closed early"),
                                        ("resetter", ("closed early", "Connection reset by peer"))])
def test_a_server_that_closes_early_is_ejected_and_says_why(run, echo_backend, mode, last):
    gateway = run("run", config(pool=pool([echo_backend("bad", mode=mode), echo_backend("good")], eject="1h")))
    use_up(gateway, "bad", 3)
    seen = gateway.wait_server("bad", ejected=True, state="DOWN", up=False, weight_now=0)
    causes = [f"3 errors within 30s, the last: {each}; ejected for 1h" for each in ([last] if mode == "closer" else last)]
    assert seen["cause"] in causes
    assert names_served(gateway) == dict(good=8)
    gateway.wait_metric("holdfast_server_up", 0, server="bad")
    assert errors_of(gateway, "bad") == 3, "nobody more was sent there"
    assert gateway.wait_log("server state", server="p/bad", to="DOWN")[0]["cause"] == seen["cause"]


def test_a_server_that_refuses_is_ejected(run, echo_backend, refusing_backend):
    gateway = run("run", config(pool=pool([refusing_backend("bad"), echo_backend("good")], errors=2, eject="1h")))
    wait_until(lambda: gateway.connect().served_by and gateway.servers()["bad"]["ejected"], "the ejection")
    assert gateway.servers()["bad"]["cause"] == "2 errors within 30s, the last: Connection refused; ejected for 1h"
    assert gateway.metric("holdfast_server_ejected", server="bad") == 1
    assert gateway.metric("holdfast_server_ejections_total", server="bad") == 1
    assert gateway.metric("holdfast_server_ejections_total", server="good") == 0
    assert gateway.metric("holdfast_closed_total") == 0, "no client was lost"


def test_an_ejected_server_returns_and_is_out_twice_as_long_when_it_errs_again(run, echo_backend):
    bad, good = echo_backend("bad", mode="closer"), echo_backend("good")

    def erring_twice():
        gateway = run("run", config(pool=pool([bad, good], eject="500ms")))
        use_up(gateway, "bad", 3)
        gateway.wait_server("bad", state="UP", up=True, ejected=False)
        begin = time.monotonic()
        use_up(gateway, "bad", 6)
        gateway.wait_log("server state", 2, server="p/bad", to="DOWN")
        gateway.wait_server("bad", state="UP")
        assert [each.rsplit(" ", 1)[1] for each in ejections(gateway, "bad")] == ["500ms", "1s"]
        assert time.monotonic() - begin >= 1, "the second time is longer"
        return gateway

    gateway = undisturbed(erring_twice)  # half a second in which it is well is forgiven
    bad.restart(mode="echo")
    assert names_served(gateway) == dict(bad=4, good=4)


def test_eject_max_is_the_longest(run, echo_backend):
    servers = [echo_backend("bad", mode="closer"), echo_backend("good")]

    def erring_three_times():
        gateway = run("run", config(pool=pool(servers, errors=1, eject="200ms", eject_max="300ms")))
        for times in (1, 2, 3):
            use_up(gateway, "bad", times)
            gateway.wait_log("server state", times, server="p/bad", to="DOWN")
            gateway.wait_server("bad", state="UP")
        assert [each.rsplit(" ", 1)[1] for each in ejections(gateway, "bad")] == ["200ms", "300ms", "300ms"]

    undisturbed(erring_three_times)  # as long as its last ejection well, and a server is forgiven


def test_no_more_than_its_share_of_a_pool_is_ejected(run, echo_backend):
    bad = [echo_backend(name, mode="closer") for name in ("x", "y", "z")]
    gateway = run("run", config(pool=pool([*bad, echo_backend("good")], errors=1, eject="1h")))
    use_up(gateway, "x", 1)
    use_up(gateway, "y", 1)
    assert sum(each["ejected"] for each in gateway.servers().values()) == 2
    [left] = [name for name, each in gateway.servers().items() if not each["ejected"] and name != "good"]
    use_up(gateway, left, 20)
    spared = gateway.wait_log("a server that clients have trouble with stays, because too many others are out")
    assert spared[0]["server"] == f"p/{left}"
    assert len(spared) == 1, "said once in a window, not with each error"


def test_the_last_server_is_never_ejected(run, echo_backend):
    gateway = run("run", config(pool=pool([echo_backend("only", mode="closer")], errors=1, eject_share=1)))
    use_up(gateway, "only", 10)
    assert gateway.servers()["only"]["ejected"] is False
    assert gateway.metric("holdfast_server_up") == 1


def closed_early(gateway, hand, count):
    client = gateway.connect()
    hand.accept().close()
    client.expect_end()
    client.close()
    gateway.wait_metric("holdfast_server_early_closes_total", count, server=hand.name)


def wait_longer(gateway, server, seconds):
    """By the gateway's own clock."""
    before = gateway.servers()[server]["state_seconds"]
    gateway.wait_server(server, state_seconds=lambda now: now > before + seconds)


def test_errors_that_are_too_far_apart_do_not_eject(run, echo_backend, hand_backend):
    hand = hand_backend("hand")
    gateway = run("run", config(pool=dict(pool([hand, echo_backend("good")], errors=2, window="300ms"), policy="first")))
    for count in (1, 2, 3):
        closed_early(gateway, hand, count)
        assert gateway.servers()["hand"]["ejected"] is False
        wait_longer(gateway, "hand", 0.4)
    assert ejections(gateway, "hand") == []


def test_a_close_is_no_error_when_it_is_late_or_something_was_sent(run, hand_backend, echo_backend):
    hand = hand_backend("hand")
    gateway = run("run", config(pool=dict(pool([hand, echo_backend("good")], errors=1, early_close="200ms"),
                                          policy="first")))
    client = gateway.connect()
    server = hand.accept()
    server.send(b"hello")
    server.close()
    assert client.receive_until_end() == b"hello"
    client.close()
    client = gateway.connect()
    server = hand.accept()
    wait_longer(gateway, "hand", 0.3)
    server.close()
    client.expect_end()
    client.close()
    gateway.wait_metric("holdfast_closed_total", 2, reason="server_closed")
    assert gateway.metric("holdfast_server_early_closes_total") == 0
    assert gateway.servers()["hand"]["ejected"] is False


def test_a_close_counts_when_it_comes_and_not_when_the_client_has_gone_too(run, echo_backend, hand_backend):
    hand = hand_backend("hand")
    gateway = run("run", config(pool=dict(pool([hand, echo_backend("good")], eject="1h"), policy="first")))
    clients = []
    for _ in range(3):
        clients.append(gateway.connect())
        hand.accept().close()
        clients[-1].expect_end()
    gateway.wait_server("hand", ejected=True, early_closes_total=3, connections=3)
    for each in clients:
        each.close()
    gateway.wait_server("hand", connections=0, early_closes_total=3)


def test_a_client_that_goes_at_once_is_no_error_of_the_server(run, echo_backend):
    gateway = run("run", config(pool=pool([echo_backend("a"), echo_backend("b")], errors=1)))
    for _ in range(10):
        gateway.connect().reset()
    gateway.wait_metric("holdfast_closed_total", 10)
    assert gateway.metric("holdfast_server_early_closes_total") == 0


def test_ejection_leaves_open_connections_alone(run, echo_backend, hand_backend):
    hand, good = hand_backend("hand"), echo_backend("good")
    gateway = run("run", config(pool=dict(pool([hand, good], errors=2, eject="1h"), policy="first", on_down="close",
                                          health=dict(interval="50ms", port=int(good.port)))))
    kept = [(gateway.connect(), hand.accept()) for _ in range(3)]
    for count in (1, 2):
        closed_early(gateway, hand, count)
    gateway.wait_server("hand", ejected=True, connections=3)
    assert gateway.connect().served_by == "good"
    for client, server in kept:
        client.send(b"still")
        assert server.receive(5) == b"still"
