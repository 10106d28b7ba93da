"""docs/OPERATIONS.md: every command of its console blocks is run against a live process that has the names it uses.

A line `$ holdfast ...` or `$ curl ...` must end with status 0, or with what the block's `$ echo $?` after it shows, and
print the headings that the block shows. `<!-- state: ... -->` before a block says what the process is like then.
"""
import os
import re
import shlex
import subprocess
import threading

import pytest

from configuration import config, to_toml
from environment import BINARY, REPOSITORY

HANDBOOK = REPOSITORY / "docs" / "OPERATIONS.md"
SOCKET, ADMIN, FILE = "/run/holdfast/admin.sock", "127.0.0.1:9100", "/etc/holdfast/holdfast.toml"
CLIENTS = 30
HEADING = re.compile(r"[A-Z][A-Z0-9]*( [A-Z0-9]+)*(/[A-Z]+)?$")


class Step:
    """A command of a block, with the lines that it prints there and the status it ends with."""

    def __init__(self, command):
        self.command, self.shown, self.status = command, [], 0


class Block:
    def __init__(self, section, state, lines):
        self.section, self.state, self.steps = section, state, _steps(lines)

    def __str__(self):
        return re.sub(r"\W+", "-", self.section.lower()).strip("-") + ":" + self.steps[0].command.split()[1]


def _steps(lines):
    steps = []
    asked_status = False
    for line in lines:
        if asked_status:
            steps[-1].status, asked_status = int(line), False
        elif line == "$ echo $?":
            asked_status = True
        elif line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif steps:
            steps[-1].shown.append(line)
    return [each for each in steps if each.command.startswith(("holdfast ", "curl "))]


def blocks():
    found, section, state, lines = [], "", "", None
    for line in HANDBOOK.read_text().splitlines():
        if line.startswith("```"):
            if lines is not None:
                found.append(Block(section, state, lines))
                state, lines = "", None
            else:
                lines = []
        elif lines is not None:
            lines.append(line)
        elif line.startswith("#"):
            section = line.lstrip("# ")
        elif match := re.fullmatch(r"<!-- state: (.*) -->", line):
            state = match[1]
    return [each for each in found if each.steps]


BLOCKS = blocks()


class Place:
    """What the handbook is about: the node gw-1, its listeners mqtt and ws, the pool brokers with b1, b2 and b3."""

    def __init__(self, run, echo_backend, directory):
        self.run_dir = directory / "run"
        self.run_dir.mkdir()
        (directory / "bin").mkdir()
        (directory / "bin" / "holdfast").symlink_to(BINARY)
        self.environment = {**os.environ, "HOLDFAST_SOCKET": str(self.run_dir / "admin.sock"),
                            "PATH": f"{directory / 'bin'}:{os.environ['PATH']}"}
        self.servers = {name: echo_backend(name) for name in ("b1", "b2", "b3")}
        self.gateway = run("run", self.document())
        self.clients = [self.gateway.connect() for _ in range(CLIENTS)]
        for each in self.clients:
            each.ask(b"hello")
        for name in self.servers:
            self.gateway.wait_server(name, pool="brokers", state="UP")

    def document(self, names=("b1", "b2", "b3"), **listener):
        health = dict(type="tcp", interval="100ms", fast_interval="50ms", rise=1, fall=2)
        pool = dict(name="brokers", slow_start="0s", drain_rate="200/s", health=health,
                    servers=[self.servers[name].entry(name=name) for name in names])
        node = dict(name="gw-1", run_dir=str(self.run_dir), data_dir=str(self.run_dir / "data"))
        return config(listener=[dict(name="mqtt", **listener), dict(name="ws")], pool=pool, node=node)

    def bring_about(self, state):
        """A function that ends it."""
        if state == "b2 is dead":
            self.servers["b2"].kill()
            self.gateway.wait_server("b2", pool="brokers", state="DOWN")
        elif state == "all servers are dead":
            for server in self.servers.values():
                server.kill()
            for name in self.servers:
                self.gateway.wait_server(name, pool="brokers", held_by_panic=True)
        elif state == "the listener is full":
            self.gateway.reload(self.document(max_connections=self.gateway.listener("mqtt")["connections"]))
            for _ in range(3):
                self.gateway.connect().expect_end()
        elif state == "the file has a fault":
            self.gateway.write_file(to_toml(self.document()).replace('bind = ', 'bnd = ', 1))
        elif state == "the file has changed":
            self.gateway.write_file(self.document(names=("b1", "b3"), idle_timeout="2h"))
        elif state == "b2 dies meanwhile":
            dying = threading.Thread(target=self._kill_when_listened_to)
            dying.start()
            return dying.join
        elif state == "the process has ended":
            self.environment["HOLDFAST_SOCKET"] += ".gone"
        else:
            assert state == "", f"nobody knows how to bring about {state!r}"
        return lambda: None

    def _kill_when_listened_to(self):
        self.gateway.wait_metric("holdfast_admin_streams", 1)
        self.servers["b2"].kill()

    def as_here(self, command):
        """The command with the names of this run in place of those that the handbook has."""
        for theirs, ours in [(SOCKET, self.environment["HOLDFAST_SOCKET"]), (ADMIN, self.gateway.admin),
                             (FILE, str(self.gateway.file))]:
            command = command.replace(theirs, ours)
        ids = re.findall(r"\b\d{16}\b", command)
        live = self.gateway.told("GET", f"/v1/connections?limit={max(len(ids), 1)}")["connections"]
        for theirs, ours in zip(ids, live, strict=False):
            command = command.replace(theirs, str(ours["id"]))
        return command

    def run(self, step):
        return subprocess.run(["bash", "-o", "pipefail", "-c", self.as_here(step.command)], capture_output=True,
                              text=True, timeout=60, env=self.environment)


@pytest.fixture
def place(run, echo_backend, directory):
    return Place(run, echo_backend, directory)


def headings(lines):
    """The lines that are headings of tables: all their cells are in capitals."""
    tables = [re.split(r"  +", line.strip()) for line in lines]
    return [cells for cells in tables if len(cells) > 1 and all(map(HEADING.match, cells))]


def first_word(lines):
    """Of an event, behind its time."""
    lines = [re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\s+", "", each) for each in lines[:1]]
    return re.split(r"[\s:]", lines[0], maxsplit=1)[0] if lines and lines[0] else ""


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_commands_of_the_handbook_do_what_it_says(place, block):
    end = place.bring_about(block.state)
    for step in block.steps:
        done = place.run(step)
        assert done.returncode == step.status, f"{step.command}: {done}"
        printed = (done.stdout + done.stderr).replace(str(place.gateway.file), FILE).splitlines()
        if headings(step.shown):
            assert headings(printed)[:len(headings(step.shown))] == headings(step.shown), f"{step.command}: {printed}"
        elif step.shown:
            assert first_word(printed) == first_word(step.shown), f"{step.command}: {printed}"
    end()


def test_every_command_about_a_running_process_is_in_the_handbook():
    used = {shlex.split(step.command)[1] for block in BLOCKS for step in block.steps
            if step.command.startswith("holdfast ")}
    assert used >= {"status", "servers", "listeners", "connections", "server", "kick", "reload", "drain", "ready", "top",
                    "alarms", "events", "check"}
