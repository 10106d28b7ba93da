"""The command that makes hashes of passwords, and the files of users and rules that `holdfast check` looks at."""
import os
import pty
import subprocess

from environment import BINARY, PATIENCE_S

BROKER = """
[[broker.listener]]
name = "external"
bind = ["127.0.0.1:0"]
[[auth.chain]]
module = "file"
path = "{users}"
[auth.acl]
path = "{acl}"
"""


def hash_of(password, *arguments):
    return subprocess.run([BINARY, "password", *arguments], input=password, capture_output=True, timeout=PATIENCE_S)


def check(directory, users, acl):
    file = directory / "broker.toml"
    (directory / "users.toml").write_text(users)
    (directory / "acl").write_text(acl)
    file.write_text(BROKER.format(users=directory / "users.toml", acl=directory / "acl"))
    done = subprocess.run([BINARY, "check", file], capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


def test_a_password_becomes_the_hash_that_a_file_of_users_takes(tmp_path):
    for method, prefix in (("bcrypt", "$2b$04$"), ("yescrypt", "$y$"), ("sha512", "$6$")):
        cost = ["--cost", "4"] if method == "bcrypt" else []
        done = hash_of(b"secret\n", "--method", method, *cost)
        assert (done.returncode, done.stderr) == (0, b"")
        line = done.stdout.decode()
        assert line.startswith(prefix) and line.endswith("\n") and line.count("\n") == 1
        user = f'[[user]]\nname = "ann"\npassword_hash = "{line.strip()}"\n'
        code, said = check(tmp_path, user, "allow all all #\n")
        assert code == 0 and "listeners of the broker: 1" in said


def test_a_password_that_would_be_cut_is_refused():
    for password, words in ((b"a" * 73, b"at most 72 bytes"), (b"a\0b\n", b"without NUL"), (b"\n", b"is empty")):
        done = hash_of(password, "--cost", "4")
        assert (done.returncode, done.stdout) == (2, b"")
        assert words in done.stderr
    assert hash_of(b"a", "--cost", "77").returncode == 2
    assert hash_of(b"a", "--method", "md5").returncode == 2


def at_terminal(*lines):
    """What `holdfast password` shows to somebody who types these lines, and prints; and its exit status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, "password", "--cost", "4"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
                               start_new_session=True)
    os.close(theirs)
    shown = b""
    for line in lines:
        before = shown.count(b": ")
        while shown.count(b": ") == before:
            shown += os.read(ours, 4096)
        os.write(ours, line)
    printed = process.communicate(timeout=PATIENCE_S)[0]
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other side is gone
            break
        if not more:
            break
        shown += more
    os.close(ours)
    return shown, printed, process.returncode


def test_at_a_terminal_it_asks_twice_and_shows_nothing():
    shown, printed, status = at_terminal(b"secret\n", b"secret\n")
    assert status == 0 and printed.startswith(b"$2b$04$")
    assert b"Password: " in shown and b"Again: " in shown and b"secret" not in shown
    shown, printed, status = at_terminal(b"secret\n", b"other\n")
    assert (status, printed) == (1, b"") and b"two different passwords" in shown


def test_check_lists_the_faults_of_all_files_that_are_named(tmp_path):
    code, said = check(tmp_path, '[[user]]\nname = "ann"\npassword_hash = "plain"\n', "allow all\nalow all all #\n")
    assert code == 2
    assert f"{tmp_path}/users.toml:3:17: `password_hash` must be a hash" in said and "plain" not in said
    assert f"{tmp_path}/acl:1:10: the line ends where" in said
    assert f'{tmp_path}/acl:2:1: here must stand one of "allow", "deny"; found "alow"' in said
    (tmp_path / "acl").unlink()
    file = tmp_path / "broker.toml"
    done = subprocess.run([BINARY, "check", file], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert f"{tmp_path}/acl: cannot be read (open: No such file or directory); `path` of [auth.acl] names it" in done.stderr
