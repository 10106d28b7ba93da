"""Starting: commands, faults, the ready line, where it listens and what it connects to."""
import re
import socket

import pytest

from configuration import config, to_toml
from environment import REPOSITORY

BAD_FILE = REPOSITORY / "tests" / "config" / "bad" / "many_faults.toml"


def faults_expected_of(file):
    """Each file of the corpus says itself, in comments, which faults it has."""
    return [line.removeprefix("# expect: ") for line in file.read_text().splitlines() if line.startswith("# expect: ")]


def test_ready_line_names_every_listener_with_its_real_port(run, echo_backend):
    pool = dict(servers=[echo_backend("a")])
    gateway = run("run", config(listener=[dict(name="one"), dict(name="two")], pool=pool))
    assert gateway.ready["ready"] is True
    assert [each["name"] for each in gateway.ready["listeners"]] == ["one", "two"]
    assert len({gateway.address("one"), gateway.address("two"), gateway.admin}) == 3
    assert not any(each["address"].endswith(":0") for each in gateway.ready["listeners"])
    for name in ("one", "two"):
        assert gateway.connect(gateway.address(name)).ask(b"hello") == b"hello"
    assert gateway.get("/readyz").status == 200


def test_ready_line_goes_to_the_descriptor_that_was_asked_for(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")])), ready_fd=True)
    assert gateway.ready["ready"] is True
    assert gateway.connect().ask(b"hello") == b"hello"


def test_admin_can_be_switched_off(run, echo_backend):
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), admin=dict(listen="")))
    assert gateway.admin is None
    assert gateway.connect().served_by == "a"


def test_admin_answers_on_a_unix_socket(run, echo_backend, directory):
    path = directory / "admin.sock"
    gateway = run("run", config(pool=dict(servers=[echo_backend("a")]), admin=dict(listen=f"unix:{path}")))
    assert gateway.admin == f"unix:{path}"
    client = gateway.connect(gateway.admin)
    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert client.receive_until_end().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("workers", [1, 2])
def test_one_listener_serves_ipv4_ipv6_and_unix_binds(run, echo_backend, directory, workers):
    path = directory / "listener.sock"
    gateway = run("run", config(node=dict(workers=workers), pool=dict(servers=[echo_backend("a")]),
                                listener=dict(bind=["127.0.0.1:0", "[::1]:0", f"unix:{path}"])))
    ipv4, ipv6, local = gateway.addresses("main")
    assert ipv4.startswith("127.0.0.1:") and ipv6.startswith("[::1]:") and local == f"unix:{path}"
    for address in (ipv4, ipv6, local):
        assert gateway.connect(address).ask(b"hello") == b"hello"
    gateway.finish()
    assert not path.exists(), "the socket's file goes with the process"


def test_a_unix_socket_that_a_dead_process_left_behind_is_replaced(run, echo_backend, directory):
    path = directory / "listener.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    gateway = run("run", config(listener=dict(bind=[f"unix:{path}"]), pool=dict(servers=[echo_backend("a")])))
    assert gateway.connect().ask(b"hello") == b"hello"


@pytest.mark.parametrize("where", ["127.0.0.1", "[::1]", "unix:{directory}/server.sock"])
def test_servers_are_reached_at(run, echo_backend, directory, where):
    server = echo_backend("a", listen=where.format(directory=directory))
    gateway = run("run", config(pool=dict(servers=[server])))
    assert gateway.connect().ask(b"hello") == b"hello"


def test_servers_are_reached_by_host_name_beside_one_that_is_not_resolved(run, echo_backend):
    server = echo_backend("a")
    by_name = dict(name="good", address=f"localhost:{server.port}")
    unknown = dict(name="unknown", address="no-such-host.invalid:1")
    gateway = run("run", config(pool=dict(servers=[unknown, by_name])),
                  environment={"RES_OPTIONS": "timeout:1 attempts:1"})
    assert {gateway.connect().served_by for _ in range(6)} == {"a"}
    metrics = gateway.metrics()
    assert metrics.value("holdfast_server_addresses", server="unknown") == 0
    assert metrics.value("holdfast_server_addresses", server="good") >= 1
    assert metrics.value("holdfast_server_connect_failures_total", server="unknown") == 0, "it is not even tried"
    gateway.wait_log("host name not resolved; its server gets no connections until it is",
                     name="no-such-host.invalid", server="p/unknown")


def test_a_pool_without_any_resolved_server_closes_clients_with_no_server(run):
    pool = dict(servers=[dict(address="no-such-host.invalid:1")])
    gateway = run("run", config(pool=pool), environment={"RES_OPTIONS": "timeout:1 attempts:1"})
    gateway.connect().expect_end()
    [ended] = gateway.wait_ended()
    assert (ended["reason"], ended["server"]) == ("no_server", "-")
    gateway.wait_metric("holdfast_closed_total", 1, reason="no_server")


def test_check_accepts_a_good_file(holdfast, directory):
    file = directory / "good.toml"
    file.write_text(to_toml(config(pool=dict(servers=[dict(address="127.0.0.1:1")]))))
    done = holdfast("check", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(file) in done.stdout


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_bad_file_stops_with_all_its_faults_and_where_they_are(holdfast, command):
    done = holdfast(command, BAD_FILE)
    assert done.returncode == 2
    assert done.stdout == ""
    expected = faults_expected_of(BAD_FILE)
    assert len(expected) > 5
    assert done.stderr.splitlines() == [f"{BAD_FILE}:{fault}" for fault in expected]
    assert all(re.match(r"\S+:\d+:\d+: .", line) for line in done.stderr.splitlines())


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_file_that_is_not_there_is_a_fault(holdfast, directory, command):
    done = holdfast(command, directory / "missing.toml")
    assert done.returncode == 2
    assert "missing.toml" in done.stderr and "No such file" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("what", ["listener main", "admin"])
def test_a_port_that_is_taken_ends_the_start_with_a_clear_word(holdfast, directory, what, workers):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = "127.0.0.1:%d" % other.getsockname()[1]
        document = config(node=dict(workers=workers), pool=dict(servers=[dict(address="127.0.0.1:1")]))
        if what == "admin":
            document["admin"]["listen"] = taken
        else:
            document["listener"][0]["bind"] = [taken]
        file = directory / "taken.toml"
        file.write_text(to_toml(document))
        done = holdfast("run", file)
    assert done.returncode == 1
    assert done.stdout == ""
    assert what in done.stderr and taken in done.stderr and "Address already in use" in done.stderr


def test_help_names_every_command_and_where_to_start(holdfast):
    done = holdfast("--help")
    assert done.returncode == 0
    for word in ("up", "run", "check", "bench", "SIGTERM", "Exit status"):
        assert word in done.stdout
    for command in ("up", "run", "check", "bench"):
        done = holdfast(command, "--help")
        assert done.returncode == 0 and len(done.stdout) > 100, command


def test_version_is_one_line(holdfast):
    done = holdfast("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"holdfast \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("arguments, wrong", [
    ([], "required"), (["run"], "FILE"), (["check"], "FILE"),
    (["frobnicate"], "frobnicate"), (["run", "--frobnicate", "x"], "--frobnicate"),
])
def test_a_wrong_command_line_is_answered_with_what_is_wrong_and_where_to_look(holdfast, arguments, wrong):
    done = holdfast(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert wrong in done.stderr.splitlines()[0]
    assert re.search(r"holdfast( \w+)? --help", done.stderr) and len(done.stderr.splitlines()) == 1
