"""node.user: root binds, an ordinary user serves, and nothing leads back."""
import os
import pwd
import subprocess
from pathlib import Path

import pytest

from configuration import config, to_toml
from environment import BINARY, PATIENCE_S, SANDBOXED

NOBODY = pwd.getpwnam("nobody")
NET_BIND_SERVICE = 1 << 10
# Nobody may trace a process that has changed its user, and that is how leaks are looked for.
WITHOUT_LEAKS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
BINDING = {"holdfast"}  # the control thread

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.skipif(SANDBOXED, reason="the unit says who the process is, and it may not become another"),
]


def run_until_it_fails(file, through):
    return subprocess.run([*through, BINARY, "run", file], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def who_are(pid):
    """What each thread of a process is and may, from /proc."""
    return [dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            for task in Path(f"/proc/{pid}/task").iterdir()]


def test_every_thread_is_the_user_and_may_only_bind_low_ports(own_network, run, echo_backend):
    gateway = run("run", config(node=dict(user="nobody", workers=2), pool=dict(servers=[echo_backend("a")]),
                                listener=dict(bind=["127.0.0.1:80"])), environment=WITHOUT_LEAKS)
    assert gateway.address() == "127.0.0.1:80"
    assert gateway.connect().ask(b"hello") == b"hello"
    threads = who_are(gateway.pid)
    assert len(threads) > 2
    for each in threads:
        assert each["Uid"].split() == [str(NOBODY.pw_uid)] * 4
        assert each["Gid"].split() == [str(NOBODY.pw_gid)] * 4
        assert each["Groups"].split() == [str(group) for group in sorted(os.getgrouplist("nobody", NOBODY.pw_gid))]
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            may = (NET_BIND_SERVICE,) if each["Name"] in BINDING else (0, NET_BIND_SERVICE)
            assert int(each[kind], 16) in may, (each["Name"], kind)
        assert int(each["CapBnd"], 16) == NET_BIND_SERVICE
        assert each["NoNewPrivs"] == "1"
    assert {each["Name"] for each in threads} >= BINDING


def as_user(name, *command):
    """`command` as this user, with its groups and no others."""
    return subprocess.run(["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--init-groups", *command],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_a_reload_binds_low_ports_too_and_nobody_is_lost(own_network, run, echo_backend, directory):
    """As an operator does it: through the admin socket, which belongs to the user, and to nobody else."""
    directory.chmod(0o755)
    document = config(node=dict(user="nobody", run_dir=str(directory / "run")), pool=dict(servers=[echo_backend("a")]),
                      listener=dict(bind=["127.0.0.1:80"]))
    gateway = run("run", document, environment=WITHOUT_LEAKS)
    gateway.file.parent.chmod(0o755)
    old = gateway.connect()
    assert old.ask(b"hello") == b"hello"
    socket = directory / "run/admin.sock"
    there = socket.stat()
    assert (there.st_uid, there.st_gid, there.st_mode & 0o777) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o660)

    document["listener"][0]["bind"] = ["127.0.0.1:443"]
    gateway.write_file(document)
    reloaded = as_user("nobody", BINARY, "reload", "--socket", socket)
    assert (reloaded.returncode, reloaded.stderr) == (0, ""), reloaded
    assert gateway.connect("127.0.0.1:443").ask(b"hello") == b"hello"
    assert old.ask(b"still here") == b"still here"
    assert as_user("daemon", BINARY, "status", "--socket", socket).returncode != 0, "not for everybody"


def test_a_reload_says_anew_who_may_use_the_admin_socket(run, echo_backend, directory):
    directory.chmod(0o755)
    document = config(node=dict(user="nobody", run_dir=str(directory / "run")), pool=dict(servers=[echo_backend("a")]))
    gateway = run("run", document, environment=WITHOUT_LEAKS)
    gateway.file.parent.chmod(0o755)
    socket = directory / "run/admin.sock"
    assert as_user("daemon", BINARY, "status", "--socket", socket).returncode != 0
    document["admin"]["socket_mode"] = "0666"
    assert gateway.reload(document)["changed"]
    assert socket.stat().st_mode & 0o777 == 0o666
    assert as_user("daemon", BINARY, "status", "--socket", socket).returncode == 0
    document["admin"]["socket_group"] = "root"
    gateway.write_file(document)
    refused = gateway.ask("POST", "/v1/reload", {})
    assert refused.status >= 400 and "admin.sock" in refused.json()["detail"], "nobody may not give it to root's group"
    assert (socket.stat().st_gid, socket.stat().st_mode & 0o777) == (NOBODY.pw_gid, 0o666), "as it was"


def test_a_container_without_the_capability_is_left_with_none(run, echo_backend):
    gateway = run("run", config(node=dict(user="nobody"), pool=dict(servers=[echo_backend("a")])),
                  through=["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"],
                  environment=WITHOUT_LEAKS)
    assert gateway.connect().ask(b"hello") == b"hello"
    assert {int(each["CapEff"], 16) for each in who_are(gateway.pid)} == {0}


def test_a_process_that_is_the_user_already_stays_as_it_is(run, echo_backend):
    gateway = run("run", config(node=dict(user="root"), pool=dict(servers=[echo_backend("a")])))
    assert gateway.connect().ask(b"hello") == b"hello"
    assert {each["Uid"].split()[0] for each in who_are(gateway.pid)} == {"0"}


@pytest.mark.parametrize("user, through, wrong", [
    ("no-such-user", [], "there is no such user"),
    ("daemon", ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"], "only root may become another user"),
])
def test_who_cannot_become_the_user_does_not_serve(directory, user, through, wrong):
    file = directory / "user.toml"
    file.write_text(to_toml(config(node=dict(user=user), pool=dict(servers=[dict(address="127.0.0.1:1")]))))
    directory.chmod(0o755)
    done = run_until_it_fails(file, through)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"node.user {user}: {wrong}" in done.stderr
