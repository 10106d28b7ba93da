"""The system-call filter of the unit: the program lives under it, and it does forbid."""
import grp
import os
import shutil
import signal
import subprocess
import sys

import pytest

from configuration import config
from environment import BINARY, REPOSITORY, SANDBOX, SANITIZED

pytestmark = [
    pytest.mark.skipif(SANITIZED, reason="sanitizers make system calls of their own"),
    pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed"),
]

sys.path.insert(0, str(REPOSITORY / "tools"))
import sandbox  # noqa: E402


def test_what_the_unit_does_not_allow_ends_the_program():
    assert subprocess.run([*SANDBOX, "true"], check=False).returncode == 0
    forbidden = "import ctypes; ctypes.CDLL(None).swapoff(b'/nowhere')"
    done = subprocess.run([*SANDBOX, "/usr/bin/python3", "-c", forbidden], check=False)
    assert done.returncode == -signal.SIGSYS


def test_lines_of_a_unit_add_and_take_away_in_their_order():
    calls = sandbox.allowed(["@system-service", "~@privileged", "@chown"])
    assert {"read", "epoll_wait", "accept4", "fchown"} <= calls
    assert not {"setresuid", "bpf", "swapon"} & calls
    with pytest.raises(ValueError):
        sandbox.allowed(["~@privileged"])


def test_the_filter_of_the_unit_forbids_what_the_program_never_does():
    calls = sandbox.allowed(sandbox.filter_lines((REPOSITORY / "packaging" / "holdfast.service").read_text()))
    assert not {"ptrace", "mount", "bpf", "init_module", "reboot", "setns", "unshare", "process_vm_writev", "keyctl",
                "setresuid", "sched_setscheduler", "io_uring_setup"} & calls


def test_a_gateway_lives_under_the_filter(run, echo_backend, directory):
    """Everything that it does while it runs: names, checks, discovery, both kinds of sockets, the admin server, its end."""
    list_of_servers = directory / "servers.json"
    a, b = echo_backend("a"), echo_backend("b")
    list_of_servers.write_text('{"servers": [{"name": "b", "address": "%s"}]}' % b.address)
    pool = dict(servers=[dict(name="a", address=f"localhost:{a.port}")], policy="round_robin",
                health=dict(type="tcp", interval="50ms"), discovery={"from": "file", "path": str(list_of_servers)})
    gateway = run("run", config(node=dict(workers=2, data_dir=str(directory / "data")), pool=pool,
                                listener=dict(bind=["127.0.0.1:0", f"unix:{directory}/listener.sock"])),
                  through=SANDBOX)
    gateway.wait_metric("holdfast_pool_servers_up", 2)
    for address in gateway.addresses("main"):
        assert {gateway.connect(address).served_by for _ in range(4)} == {"a", "b"}
    gateway.wait_metric("holdfast_probes_total", lambda count: count > 4)
    assert gateway.get("/readyz").status == 200
    gateway.close_clients()
    gateway.finish()


def test_what_operators_do_lives_under_the_filter(run, echo_backend, directory):
    """The admin socket with its group, a reload that binds and starts workers, and the command of ExecReload="""
    socket = directory / "admin.sock"
    document = config(node=dict(run_dir=str(directory)), pool=dict(servers=[echo_backend("a")]),
                      admin=dict(socket_group=grp.getgrgid(os.getgid()).gr_name))
    gateway = run("run", document, through=SANDBOX)
    client = gateway.connect()
    assert client.ask(b"hello") == b"hello"
    document["node"]["workers"] = 3
    document["admin"]["socket_mode"] = "0600"
    document["listener"].append(dict(name="second", bind=["127.0.0.1:0", f"unix:{directory}/second.sock"], pool="p"))
    gateway.write_file(document)
    for command in (["reload", "--dry-run"], ["reload"], ["status"], ["connections"], ["top", "--once"],
                    ["server", "p/a", "drain", "--rate", "1000/s"], ["server", "p/a", "ready"]):
        done = subprocess.run([*SANDBOX, BINARY, *command, "--socket", socket], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), (command, done)
    assert gateway.connect(f"unix:{directory}/second.sock").ask(b"hello") == b"hello"
    assert len(gateway.status()["workers"]) == 3
    gateway.signal(signal.SIGHUP)
    gateway.wait_log("reloaded", changes=0)


def test_check_lives_under_the_filter():
    file = REPOSITORY / "packaging" / "holdfast.toml"
    done = subprocess.run([*SANDBOX, BINARY, "check", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
