"""The PROXY protocol with those who made it and use it: HAProxy and nginx, in front of the program and behind it."""
import pytest

from configuration import config

CHECK = "check inter 50ms fastinter 50ms"


@pytest.fixture(params=[1, 2], ids=lambda workers: f"workers={workers}")
def gateway_behind(request, run, hand_backend):
    """A gateway that requires a header, and the server behind it, in the test's hands."""
    server = hand_backend("hand")
    return run("run", config(listener=dict(proxy_protocol="required", bind=["127.0.0.1:0", "[::1]:0"]),
                             node=dict(workers=request.param), log=dict(format="json", level="debug"),
                             pool=dict(servers=[server]))), server


def expect_quiet(gateway, clients=0):
    """Nothing has happened but checks, and what `clients` did."""
    assert gateway.metric("holdfast_server_connections_total") == clients
    assert gateway.metric("holdfast_refused_total") == 0
    ended = gateway.log("connection ended")
    assert {line["level"] for line in ended if line["reason"] == "probe"} <= {"debug"}
    assert len([line for line in ended if line["level"] != "debug"]) == clients, ended
    assert not [line for line in gateway.log() if line["level"] in ("warning", "error")]


def converse(client, server):
    """One whole conversation; returns who the client says it is."""
    client.send(b"question")
    end = server.accept()
    assert end.receive(8) == b"question"
    end.send(b"answer")
    assert client.receive(6) == b"answer"
    address = client.local_address
    client.half_close()
    assert end.receive_until_end() == b""
    end.close()
    assert client.receive_until_end() == b""
    return address


@pytest.mark.parametrize("family", ["127.0.0.1", "[::1]"])
@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_haproxy_in_front_names_clients(haproxy, gateway_behind, options, family):
    gateway, server = gateway_behind
    address = next(each for each in gateway.addresses("main") if each.startswith(family))
    front = haproxy("front", f"""
listen front
  mode tcp
  unique-id-format %[uuid()]
  {{bind}}
  server holdfast {address.replace("[", "").replace("]", "")} {options}
""", listen=f"{family}:0")
    clients = [converse(gateway.connect(front.address), server) for _ in range(5)]
    lines = gateway.wait_ended(count=5)
    assert sorted(line["client"] for line in lines) == sorted(clients)


@pytest.mark.parametrize("options", ["send-proxy check-send-proxy", "send-proxy-v2 check-send-proxy"])
def test_checks_of_haproxy_are_quiet_and_reach_no_server(haproxy, gateway_behind, options):
    gateway, server = gateway_behind
    front = haproxy("front", f"""
listen front
  mode tcp
  option log-health-checks
  {{bind}}
  server holdfast {gateway.address()} {options} {CHECK}
""")
    gateway.wait_metric("holdfast_closed_total", lambda count: count >= 20, reason="probe")
    expect_quiet(gateway)
    client = converse(gateway.connect(front.address), server)
    assert gateway.wait_ended(client=client)
    expect_quiet(gateway, clients=1)
    assert not [line for line in front.log_lines() if "DOWN" in line or "failed" in line]


@pytest.mark.parametrize("ending", ["", "linger"], ids=["reset", "close"])
def test_checks_of_haproxy_without_a_header_are_quiet_as_well(haproxy, gateway_behind, ending):
    gateway, server = gateway_behind
    port = gateway.address().rsplit(":", 1)[1]
    front = haproxy("front", f"""
listen front
  mode tcp
  option log-health-checks
  option tcp-check
  tcp-check connect port {port} {ending}
  {{bind}}
  server holdfast {gateway.address()} send-proxy-v2 {CHECK}
""")
    if ending:  # the others are over in the kernel before they could be accepted
        gateway.wait_metric("holdfast_closed_total", lambda count: count >= 20, reason="probe")
    front.wait_log("succeeded")
    expect_quiet(gateway)
    client = converse(gateway.connect(front.address), server)
    assert gateway.wait_ended(client=client)
    expect_quiet(gateway, clients=1)
    assert not [line for line in front.log_lines() if "DOWN" in line or "failed" in line]


@pytest.mark.parametrize("family", ["127.0.0.1", "[::1]"])
def test_nginx_in_front_names_clients(nginx, gateway_behind, family):
    gateway, server = gateway_behind
    section = f"listen {{listen}}; proxy_pass {gateway.address()}; proxy_protocol on;"
    front = nginx("front", "stream", section, host=family)
    clients = [converse(gateway.connect(front.address), server) for _ in range(5)]
    lines = gateway.wait_ended(count=5)
    assert sorted(line["client"] for line in lines) == sorted(clients)


# Behind the program. Each tells clients what it was told of them: who, and whom they wanted.

HAPROXY_HTTP = """
frontend back
  mode http
  {bind} accept-proxy
  http-request return status 200 content-type text/plain lf-string "{told}"
"""
HAPROXY_TOLD = "%[src] %[src_port] %[dst] %[dst_port] %[fc_pp_unique_id]"
NGINX_TOLD = "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port"


def haproxy_http(haproxy, nginx):
    return haproxy("back", HAPROXY_HTTP.replace("{told}", HAPROXY_TOLD))


def nginx_http(haproxy, nginx):
    return nginx("back", "http", f"listen {{listen}} proxy_protocol; location / {{ return 200 '{NGINX_TOLD}'; }}")


def nginx_stream(haproxy, nginx):
    return nginx("back", "stream", f"listen {{listen}} proxy_protocol; return '{NGINX_TOLD}';")


def ask(client):
    """Sends a request and returns what the server was told. A stream server answers without one."""
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    return client.receive_until_end().decode().split("\r\n\r\n")[-1].split()


def told(*addresses):
    return [part for each in addresses for part in (each.rsplit(":", 1)[0].strip("[]"), each.rsplit(":", 1)[1])]


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0"])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("back", [haproxy_http, nginx_http])
def test_servers_learn_who_the_client_is_and_their_checks_pass(run, haproxy, nginx, back, version, bind):
    server = back(haproxy, nginx)
    health = dict(type="http", interval="50ms", fast_interval="50ms", rise=1, status=["200"])
    gateway = run("run", config(listener=dict(bind=[bind]),
                                pool=dict(servers=[server], proxy_protocol=version, health=health)))
    gateway.wait_metric("holdfast_probes_total", lambda count: count >= 10)
    for _ in range(3):
        client = gateway.connect()
        address = client.local_address
        answer = ask(client)
        client.close()
        assert answer[:4] == told(address, gateway.address())
        line = gateway.wait_ended(client=address)[0]
        if version == "v2" and back is haproxy_http:
            assert answer[4:] == [str(line["id"])], "the unique id is that of the log"
    assert gateway.metric("holdfast_server_up") == 1
    assert gateway.metric("holdfast_probe_failures_total") == 0


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_stream_server_that_speaks_first_learns_it_too(run, nginx, haproxy, version):
    server = nginx_stream(haproxy, nginx)
    gateway = run("run", config(pool=dict(servers=[server], proxy_protocol=version,
                                          health=dict(type="tcp", interval="50ms", fast_interval="50ms", rise=1))))
    gateway.wait_metric("holdfast_probes_total", lambda count: count >= 10)
    client = gateway.connect()
    answer = client.receive_until_end().decode().split()  # it has not said a word
    assert answer == told(client.local_address, gateway.address())
    assert gateway.metric("holdfast_server_up") == 1
    assert gateway.metric("holdfast_probe_failures_total") == 0


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_from_haproxy_through_the_program_to_haproxy_nothing_is_lost(run, haproxy, nginx, version):
    back = haproxy("back", HAPROXY_HTTP.replace("{told}", HAPROXY_TOLD))
    gateway = run("run", config(listener=dict(proxy_protocol="required"),
                                pool=dict(servers=[back], proxy_protocol=version)))
    front = haproxy("front", f"""
listen front
  mode tcp
  {{bind}}
  server holdfast {gateway.address()} send-proxy-v2 check-send-proxy {CHECK}
""")
    for _ in range(3):
        client = gateway.connect(front.address)
        assert ask(client)[:4] == told(client.local_address, front.address)
