"""More connections to one server than one address has ports, and what happens when ports run short.

The gateway and its servers are in a network of their own, where the range of local ports is narrow. Servers have ports
outside of it, and clients, like the test itself, come by unix sockets, so that all of it is the pool's.
"""
import pytest

import peers
from configuration import config
from environment import scaled, wait_until

FIRST_PORT = 20_000
NO_PORT = ("no local port is left to connect to the server from: add pool.source_addresses, or widen "
           "net.ipv4.ip_local_port_range")
NOT_OURS = "a source address cannot be used, because it is no address of this machine"
THREE = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
BOTH_WORKERS = pytest.mark.parametrize("workers", [1, 2])


@pytest.fixture
def start(own_network, run, directory):
    """start(100, servers=[...]): narrows the range to so many ports, then starts a gateway with this pool."""
    def start(ports, workers=1, **pool):
        own_network.set_local_ports(FIRST_PORT, ports)
        return run("run", config(listener=dict(bind=[f"unix:{directory}/clients.sock"]),
                                 pool=dict(slow_start="0s", **pool), node=dict(workers=workers),
                                 admin=dict(listen=f"unix:{directory}/admin.sock")))

    return start


def fill(gateway, count):
    """So many connections at once, each of which has been answered."""
    clients = [gateway.connect() for _ in range(count)]
    for each in clients:
        each.send(b"?")
    for each in clients:
        each.receive_name()
        assert each.receive(1) == b"?"
    return clients


def assert_all_answer(clients):
    for each in clients:
        each.send(b"still")
    for each in clients:
        assert each.receive(5) == b"still"


def assert_refused(gateway, clients=1, reason="no_source_port"):
    before = gateway.metric("holdfast_closed_total", reason=reason)
    for each in [gateway.connect() for _ in range(clients)]:
        each.expect_end()
    gateway.wait_metric("holdfast_closed_total", before + clients, reason=reason)


def wait_served(gateway):
    """A new client gets in; ports of closed connections rest for a second first."""
    def is_served():
        try:
            return gateway.connect().ask(b"?") == b"?"
        except ConnectionError:
            return False

    wait_until(is_served, "a new client is served")


@pytest.mark.slow
@BOTH_WORKERS
def test_three_addresses_hold_three_times_the_range_and_not_one_more(start, echo_backend, workers):
    ports = scaled(1000, 400)
    gateway = start(ports, workers, servers=[echo_backend("a")], source_addresses=THREE)
    clients = fill(gateway, 3 * ports)
    assert gateway.metric("holdfast_local_ports") == ports
    assert gateway.metrics().by("source", "holdfast_source_ports") == dict.fromkeys(THREE, ports)
    assert gateway.metric("holdfast_server_ports_short_total") == 0
    assert_refused(gateway)
    assert gateway.metric("holdfast_server_ports_short_total") > 0
    assert_all_answer(clients)
    for each in clients[:7]:
        each.close()
    gateway.wait_metric("holdfast_source_ports", 3 * ports - 7)
    for _ in range(7):
        wait_served(gateway)
    gateway.wait_metric("holdfast_source_ports", 3 * ports)
    assert_all_answer(clients[7:])


@BOTH_WORKERS
def test_addresses_are_used_in_turn(start, echo_backend, workers):
    gateway = start(1000, workers, servers=[echo_backend("a")], source_addresses=THREE)
    fill(gateway, 300)
    used = gateway.metrics().by("source", "holdfast_source_ports")
    assert all(abs(count - 100) <= workers for count in used.values()), used


def test_each_server_has_all_ports_of_an_address(start, echo_backend):
    gateway = start(100, servers=[echo_backend("a"), echo_backend("b")], source_addresses=["127.0.0.2"])
    fill(gateway, 200)
    assert gateway.metrics().by("server", "holdfast_source_ports") == dict(a=100, b=100)


@pytest.mark.parametrize("sources", [[], ["127.0.0.2"]])
def test_without_a_port_clients_go_to_another_server(start, echo_backend, sources):
    gateway = start(100, servers=[echo_backend("a"), echo_backend("b")], policy="first", source_addresses=sources)
    assert [each.served_by for each in fill(gateway, 150)] == 100 * ["a"] + 50 * ["b"]
    assert gateway.metrics().by("server", "holdfast_server_connect_failures_total") == dict(a=0, b=0)
    assert [line["server"] for line in gateway.wait_log(NO_PORT)] == ["p/a"]


def test_without_source_addresses_the_range_ends_in_order(start, echo_backend):
    gateway = start(200, servers=[echo_backend("a")])
    clients = fill(gateway, 200)
    assert_refused(gateway, clients=20)
    assert_all_answer(clients)
    assert len(gateway.log(NO_PORT)) == 1
    for each in clients[:20]:
        each.close()
    wait_served(gateway)


def test_addresses_of_ipv6_have_their_own_ports(own_network, start, echo_backend):
    two = ["fd00::2", "fd00::3"]
    for address in two:
        own_network.add_address(address)
    gateway = start(100, servers=[echo_backend("a", listen="[::1]")], source_addresses=two)
    clients = fill(gateway, 200)
    assert_refused(gateway)
    assert_all_answer(clients)
    assert gateway.metrics().by("source", "holdfast_source_ports") == dict.fromkeys(two, 100)


def test_when_another_program_has_the_ports_of_an_address_the_next_one_is_used(start, echo_backend, resources):
    server = echo_backend("a")
    gateway = start(200, servers=[server], source_addresses=["127.0.0.2", "127.0.0.3"])
    for _ in range(200):
        resources.callback(peers.connect(server.address, source="127.0.0.2").close)
    fill(gateway, 100)
    assert gateway.metrics().by("source", "holdfast_source_ports") == {"127.0.0.2": 0, "127.0.0.3": 100}
    assert gateway.metric("holdfast_server_ports_short_total") == 0, "no client has felt it"


@pytest.mark.slow
@BOTH_WORKERS
def test_a_client_without_a_port_costs_no_more_than_one_with(own_network, start, echo_backend, resources, workers):
    """The kernel walks over all its ports to find that none is free; that must not happen for each client."""
    count, ports = 400, 8000
    gateway = start(ports, workers, servers=[echo_backend("a")], source_addresses=["127.0.0.2"])

    def cpu_of(work):
        before = gateway.cpu_seconds()
        work()
        return gateway.cpu_seconds() - before

    held = own_network.occupy("127.0.0.2", FIRST_PORT, ports)
    resources.callback(lambda: [each.close() for each in held])
    refused = cpu_of(lambda: assert_refused(gateway, count))
    waiting = [gateway.connect() for _ in range(10)]
    assert len(gateway.log(NO_PORT)) == 1
    assert gateway.metric("holdfast_server_ports_short_total") >= count
    for each in held:
        each.close()
    for each in waiting:  # it comes in time for those who were still trying
        assert each.served_by == "a"
    served = cpu_of(lambda: fill(gateway, count))
    assert refused < 3 * max(served, 0.03), f"{refused} s of CPU for refusals, {served} s for as many that were served"


@BOTH_WORKERS
def test_an_address_that_the_machine_does_not_have_is_named_and_passed_over(start, echo_backend, workers):
    gateway = start(100, workers, servers=[echo_backend("a")], source_addresses=["10.9.8.7", "127.0.0.2"])
    fill(gateway, 50)
    line, = gateway.wait_log(NOT_OURS)
    assert (line["pool"], line["address"]) == ("p", "10.9.8.7")
    assert not gateway.log(NO_PORT)
    assert gateway.metrics().by("source", "holdfast_source_ports") == {"10.9.8.7": 0, "127.0.0.2": 50}
    assert gateway.metric("holdfast_server_connect_failures_total") == 0


def test_without_any_address_that_the_machine_has_no_port_is_blamed_and_no_server(start, echo_backend):
    gateway = start(100, servers=[echo_backend("a")], source_addresses=["10.9.8.7"],
                    retries=1, passive=dict(errors=1))
    assert_refused(gateway, clients=20, reason="connect_failed")
    assert len(gateway.wait_log(NOT_OURS)) == 1
    assert not gateway.log(NO_PORT)
    assert gateway.metric("holdfast_server_ports_short_total") == 0
    assert gateway.metric("holdfast_server_up") == 1, "it is no fault of the server"


def test_servers_on_unix_sockets_need_no_source_address(start, echo_backend, directory):
    server = echo_backend("a", listen=f"unix:{directory}/server.sock")
    gateway = start(10, servers=[server], source_addresses=["127.0.0.2"])
    fill(gateway, 30)
    assert gateway.metrics().by("source", "holdfast_source_ports") == {"127.0.0.2": 0}


def test_a_server_of_another_family_than_all_source_addresses_is_a_fault(holdfast, tmp_path):
    file = tmp_path / "holdfast.toml"
    file.write_text('[[listener]]\nname = "l"\nbind = ["127.0.0.1:0"]\npool = "p"\n'
                    '[[pool]]\nname = "p"\nsource_addresses = ["10.0.0.5"]\n'
                    '[[pool.server]]\naddress = "[fd00::1]:1883"\n')
    done = holdfast("check", file)
    assert done.returncode == 2
    assert done.stderr == f'{file}:9:11: "[fd00::1]:1883" cannot be reached from any of `source_addresses`: ' \
                          f'none of them is an IPv6 address\n'


def test_a_discovered_server_of_another_family_is_down_and_says_why(start, echo_backend, directory):
    four, six = echo_backend("four"), echo_backend("six", listen="[::1]")
    list_file = directory / "servers.json"
    list_file.write_text('{"servers": [{"name": "four", "address": "%s"}, {"name": "six", "address": "%s"}]}'
                         % (four.address, six.address))
    gateway = start(100, servers=[], discovery=dict(path=str(list_file)), source_addresses=["127.0.0.2"])
    assert {each.served_by for each in fill(gateway, 20)} == {"four"}
    assert gateway.servers()["six"]["state"] == "DOWN"
    assert gateway.servers()["six"]["cause"] == "no source address is of its family"
    assert gateway.metrics().by("server", "holdfast_server_up") == dict(four=1, six=0)
