"""Completion of command lines, in a real bash and by what any shell asks; help as a man page."""
import json
import shutil
import subprocess

import pytest

from admin_server import AdminServer, recorded
from environment import BINARY, PATIENCE_S
from gateway import run_to_end


@pytest.fixture
def admin(resources, directory):
    """A process with two listeners, two pools and their servers, at a socket."""
    server = AdminServer({
        "GET /v1/listeners": recorded("listeners"), "GET /v1/pools": recorded("pools"),
        "GET /v1/pools/brokers/servers": json.dumps([dict(name="b1", state="UP"), dict(name="b2", state="DOWN")]),
        "GET /v1/pools/im/servers": json.dumps([dict(name="i:1", state="UP")])}, directory / "admin.sock")
    resources.callback(server.close)
    return server


def words_of(*words, where=()):
    """What the last word can become, without the remarks."""
    done = run_to_end("complete", "--", *where, *words)
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def in_bash(directory, *words, cwd=None):
    """COMPREPLY of a real bash, which has cut the line into these words."""
    (directory / "holdfast").unlink(missing_ok=True)
    (directory / "holdfast").symlink_to(BINARY)
    script = ('source <("$1" completion bash); shift; [[ $(complete -p holdfast) == *_holdfast* ]] || exit 9\n'
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-uc", script, "bash", BINARY, directory / "holdfast", *words], text=True,
                          capture_output=True, timeout=PATIENCE_S, check=True, cwd=cwd)
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options_are_those_of_the_program():
    commands = words_of("")
    assert {"status", "servers", "server", "reload", "drain", "top", "check", "bench", "publish",
            "subscribe", "request"} <= set(commands)
    assert not {"complete", "help"} & set(commands)
    assert words_of("st") == ["status"]
    assert words_of("bench", "e") == ["echo"]
    assert {"--dry-run", "--keep-runtime", "--json", "--socket", "--timeout"} <= set(words_of("reload", "--"))
    assert words_of("reload", "--dr") == ["--dry-run"]
    assert words_of("frobnicate", "--json", "--frob") == []


def test_words_of_server_come_after_the_server(admin):
    where = ["server", *admin.arguments]
    assert set(words_of("", where=where)) == {"brokers", "im", "brokers/b1", "brokers/b2", "im/i:1"}
    assert set(words_of("brokers/b1", "", where=where)) == {"ready", "drain", "maint", "weight", "add", "remove"}
    assert words_of("server", "brokers/b1", "drain", "--ra") == ["--rate"]
    assert words_of("server", "brokers/b1", "weight", "--ra") == []
    assert "--json" in words_of("server", "brokers/b1", "drain", "--js"), "options of the command above are taken too"
    assert set(words_of("server", "brokers", *admin.arguments, "remove", "b")) == {"b1", "b2"}


def test_choices_are_completed(admin):
    assert words_of("connections", "--sort", "") == ["id", "age", "idle", "bytes"]
    assert words_of("connections", "--sort=i") == ["--sort=id", "--sort=idle"]
    assert words_of("completion", "") == ["bash", "zsh", "fish"]
    assert words_of("subscribe", "a/#", "--mqtt", "") == ["3.1", "3.1.1", "5"]
    assert words_of("publish", "--qos", "") == ["0", "1", "2"]
    assert words_of("subscribe", "--retain-handling=n") == ["--retain-handling=new", "--retain-handling=never"]
    where = admin.arguments
    assert words_of("drain", *where, "") == ["mqtt", "im"] and words_of("ready", *where, "m") == ["mqtt"]
    assert words_of("servers", *where, "b") == ["brokers"]
    assert words_of("connections", *where, "--server", "") == ["b1", "b2", "i:1"]
    assert words_of("connections", *where, "--listener", "i") == ["im"]


def test_a_process_that_does_not_answer_has_no_names(directory):
    done = run_to_end("complete", "--", "servers", "--socket", directory / "missing.sock", "")
    assert (done.stdout, done.stderr) == ("", "")


def test_bash_completes(admin, directory):
    assert in_bash(directory, "stat") == ["status"]
    assert set(in_bash(directory, "reload", "--dry-run", "--k")) == {"--keep-runtime"}
    assert in_bash(directory, "server", *admin.arguments, "brokers/b") == ["brokers/b1", "brokers/b2"]
    assert in_bash(directory, "server", "brokers/b1", "dr") == ["drain"]


def test_bash_is_helped_over_the_places_where_it_cuts_words(admin, directory):
    assert in_bash(directory, "connections", "--sort", "=", "by") == ["bytes"]
    assert in_bash(directory, "connections", "--sort", "=") == ["id", "age", "idle", "bytes"]
    assert in_bash(directory, "server", *admin.arguments, "im/i", ":") == ["1"]
    url = ["--admin", "http", ":", "//127.0.0.1", ":", "1"]
    assert in_bash(directory, "servers", *url, "--js") == ["--json"], "the address is one word, and no pool"


def test_bash_completes_files(directory):
    (directory / "edge.toml").touch()
    assert in_bash(directory, "check", "ed", cwd=directory) == ["edge.toml"]
    assert in_bash(directory, "publish", "topic", "--file", "ed", cwd=directory) == ["edge.toml"]
    assert in_bash(directory, "status", "--token-file", f"{directory}/edge") == [f"{directory}/edge.toml"]


def test_each_shell_has_a_script_that_asks_the_program(holdfast):
    for shell in ("bash", "zsh", "fish"):
        done = holdfast("completion", shell)
        assert done.returncode == 0 and "complete --" in done.stdout
    assert holdfast("completion", "csh").returncode == 2
    assert subprocess.run(["bash", "-n"], input=holdfast("completion", "bash").stdout, text=True, check=False).returncode == 0


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_man_page_has_every_command_and_no_fault(holdfast):
    page = holdfast("help", "--man").stdout
    lint = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, text=True, capture_output=True, check=False)
    assert (lint.returncode, lint.stderr) == (0, "")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=100n"], input=page, text=True,
                           capture_output=True, check=True)
    for part in ("holdfast server POOL/NAME drain", "--rate RATE", "holdfast bench echo", "EXIT STATUS",
                 "HOLDFAST_TOKEN", "holdfast reload --dry-run", "holdfast publish TOPIC [MESSAGE]",
                 "OPTIONS OF COMMANDS THAT TALK TO A BROKER", "--session-expiry TIME"):
        assert part in shown.stdout, part
    assert shown.stdout.count("--session-expiry TIME") == 1, "what all clients have is told once"
