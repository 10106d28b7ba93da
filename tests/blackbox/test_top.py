"""holdfast top in a pseudo terminal, before a process that the test plays."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import pytest

from admin_server import AdminServer, problem, recorded
from environment import BINARY, PATIENCE_S, wait_until
from gateway import run_to_end

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Process:
    """A process whose counters go up with each look: 100 new connections, 1 MiB and 20 refused, each time."""

    def __init__(self, servers=3, pools=1):
        self.looks, self._servers, self._pools = 0, servers, pools

    def answers(self):
        return {"GET /v1/status": self._status, "GET /v1/listeners": self._listeners, "GET /v1/pools": self._all_pools,
                **{f"GET /v1/pools/p{i}/servers": self._all_servers for i in range(self._pools)}}

    def _status(self, _):
        self.looks += 1
        return recorded("status")

    def _listeners(self, _):
        listener = dict(json.loads(recorded("listeners"))[0], connections_total=1000 + 100 * self.looks)
        listener.update(bytes_to_server=self.looks << 20, refused=dict(denied=20 * self.looks, accept_rate=5))
        return json.dumps([listener])

    def _all_pools(self, _):
        return json.dumps([dict(name=f"p{i}", policy="hash", servers=self._servers, servers_up=self._servers, connections=i,
                                waiting=0, panic=False) for i in range(self._pools)])

    def _all_servers(self, _):
        return json.dumps([dict(json.loads(recorded("servers"))[0], name=f"s{i}", connections=i, max_connections=0,
                                connections_total=100 * self.looks, connect_mean_seconds=i / 1000,
                                check=dict(result="ok", seconds_ago=1, took_seconds=(100 - i) / 1000))
                           for i in range(self._servers)])


class Screen:
    """holdfast top in a terminal of a size."""

    def __init__(self, arguments, columns=80, rows=24, interval="100ms"):
        self._ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self._theirs, self.output = theirs, ""
        self.resize(columns, rows)
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self._process = subprocess.Popen([BINARY, "top", "--interval", interval, "--timeout", f"{PATIENCE_S:.0f}s", *arguments],
                                         stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment)

    def resize(self, columns, rows):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "_process"):
            self.signal(signal.SIGWINCH)  # it has no controlling terminal that would send it

    def press(self, keys):
        os.write(self._ours, keys.encode())

    def signal(self, number):
        self._process.send_signal(number)

    def read(self):
        while select.select([self._ours], [], [], 0)[0]:
            self.output += os.read(self._ours, 65536).decode()

    def frames(self):
        """Each whole picture there was, as lines without colours."""
        self.read()
        pictures = self.output.split("\x1b[H")[1:]
        whole = [each.split("\x1b[J")[0] for each in pictures if "\x1b[J" in each]
        return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", each).split("\n") for each in whole]

    def wait_for(self, condition, what):
        """The last picture, when it is as wanted."""
        def last():
            frames = self.frames()
            return frames[-1] if frames and condition(frames[-1]) else None
        return wait_until(last, lambda: f"{what}; the last was {(self.frames() or ['nothing'])[-1]}")

    def wait_exit(self):
        def ended():
            self.read()  # a full terminal would hold it
            return self._process.poll() is not None
        wait_until(ended, "the end of top")
        self.read()
        return self._process.returncode

    def settings(self):
        return termios.tcgetattr(self._theirs)

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def top(resources):
    """top(Process(), columns=80): (the screen, the server)."""
    def start(process, *arguments, **options):
        server = AdminServer(process.answers() if isinstance(process, Process) else process)
        resources.callback(server.close)
        screen = Screen([*server.arguments, *arguments], **options)
        resources.callback(screen.close)
        return screen

    return start


def has(text):
    return lambda frame: any(text in line for line in frame)


def names(frame):
    return [line.split()[0] for line in frame if re.match(r"p\d+/", line)]


def test_it_shows_rates_slowest_and_what_is_refused(top):
    screen = top(Process())
    frame = screen.wait_for(has("denied"), "a picture with rates")
    assert "edge-1" in frame[0] and "serving" in frame[0]
    assert re.search(r"connections 41230/100000  \+\S+/s -0/s  to servers \S+iB/s", frame[1])
    assert "pool_in_panic brokers" in frame[2]
    assert re.search(r"denied [\d.]+k?/s", frame[3]) and "accept_rate" not in frame[3], "what goes on now"
    assert re.search(r"slow connect  p0/s\d \S+ms  p0/s\d \S+ms", frame[4])
    assert frame[5].startswith("slow check    p0/s0 100ms  p0/s1 99.0ms")
    assert names(frame) == ["p0/s2", "p0/s1", "p0/s0"], "the most connections first"
    assert "q quit" in frame[-1]
    screen.press("q")
    assert screen.wait_exit() == 0


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 10), (200, 60), (1, 1)])
def test_no_line_is_wider_and_no_picture_higher_than_the_terminal(top, columns, rows):
    screen = top(Process(servers=40, pools=2), columns=columns, rows=rows)
    screen.wait_for(lambda frame: len(screen.frames()) >= 3, "some pictures")
    for frame in screen.frames():
        assert len(frame) <= rows and all(len(line) <= columns for line in frame)
    if (columns, rows) == (80, 24):
        assert len(frame) == 24 and len(names(frame)) >= 9, "servers have the room"


def test_a_changed_size_is_a_new_picture(top):
    screen = top(Process(servers=40), interval="1m")
    screen.wait_for(lambda frame: len(frame) == 24, "a picture of 24 lines")
    screen.resize(120, 40)
    frame = screen.wait_for(lambda frame: len(frame) == 40, "a picture of 40 lines")
    assert any(len(line) > 80 for line in frame)
    screen.resize(60, 12)
    screen.wait_for(lambda frame: len(frame) == 12 and max(map(len, frame)) <= 60, "a small picture")


def test_keys_sort_scroll_focus_and_pause(top):
    process = Process(servers=40, pools=12)
    screen = top(process)
    screen.wait_for(lambda frame: names(frame)[:2] == ["p0/s39", "p0/s38"] or "p1/s39" in str(frame), "servers")
    for order in ("rate", "slow", "state", "name", "connections"):
        screen.press("s")
        screen.wait_for(has(f"sorted by {order}"), order)
    screen.press("jj\x1b[B")
    screen.wait_for(lambda lines: lines[-1].startswith("servers 4-"), "three rows further")
    screen.press("\x1b[Ak")
    screen.wait_for(lambda lines: lines[-1].startswith("servers 2-"), "two rows back")
    screen.press("\x1b[6~")
    screen.wait_for(lambda lines: lines[-1].startswith("servers 12-"), "a page further")
    screen.press("p")
    screen.wait_for(lambda lines: lines[-1].startswith("pools 1-"), "pools have the room")
    screen.press("l")
    screen.wait_for(has("1 listeners"), "listeners have the room")
    screen.press("v ")
    screen.wait_for(has("PAUSED"), "a pause")
    looks = process.looks
    screen.press("s")
    screen.wait_for(has("sorted by rate"), "keys are heard in a pause")
    assert process.looks <= looks + 1
    screen.press(" ")
    screen.wait_for(lambda frame: process.looks > looks + 1 and not has("PAUSED")(frame), "it goes on")


@pytest.mark.parametrize("end", ["q", "\x03", signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_the_terminal_is_given_back(top, end):
    screen = top(Process())
    screen.wait_for(has("q quit"), "a picture")
    assert screen.settings() != screen.before
    screen.press(end) if isinstance(end, str) else screen.signal(end)
    assert screen.wait_exit() == 0
    assert screen.settings() == screen.before
    assert screen.output.count(ENTER) == 1 and screen.output.count(LEAVE) == 1
    assert screen.output.endswith(LEAVE) and "\x1b[?25h" in screen.output


def test_a_process_that_goes_away_is_said_and_waited_for(top):
    process = Process()
    answers = process.answers()
    gone = []
    alive = answers["GET /v1/status"]
    answers["GET /v1/status"] = lambda question: problem(503, "the node restarts") if gone else alive(question)
    screen = top(answers)
    screen.wait_for(has("alarms"), "a picture")
    gone.append(True)
    screen.wait_for(has("no answer: the node restarts"), "the trouble")
    gone.clear()
    screen.wait_for(has("pool_in_panic"), "it is back")
    screen.press("q")
    assert screen.wait_exit() == 0


def test_a_process_that_was_never_there_leaves_the_terminal_alone(resources, directory):
    screen = Screen(["--socket", directory / "missing.sock"])
    resources.callback(screen.close)
    assert screen.wait_exit() == 3
    assert ENTER not in screen.output and "nobody answers" in screen.output


def test_once_prints_one_picture_without_colours(resources):
    server = AdminServer(Process(servers=40).answers())
    resources.callback(server.close)
    done = run_to_end("top", "--once", "--interval", "100ms", "--timeout", "10s", "--sort", "name", *server.arguments)
    assert (done.returncode, done.stderr) == (0, "") and "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert len(names(lines)) == 40 and names(lines) == sorted(names(lines))
    assert re.search(r"denied \S+/s", done.stdout) and "q quit" not in done.stdout


def test_without_a_terminal_it_says_what_to_do(resources):
    server = AdminServer(Process().answers())
    resources.callback(server.close)
    done = run_to_end("top", *server.arguments)
    assert done.returncode == 2 and "--once" in done.stderr
    assert run_to_end("top", "--sort", "colour").returncode == 2


def test_colour_is_for_a_terminal_without_no_color(resources):
    server = AdminServer({"GET /v1/status": recorded("status")})
    resources.callback(server.close)

    def shown(**environment):
        ours, theirs = pty.openpty()
        subprocess.run([BINARY, "status", *server.arguments], stdout=theirs, timeout=PATIENCE_S, check=True,
                       env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment})
        os.close(theirs)
        text = ""
        while select.select([ours], [], [], 0)[0]:
            try:
                text += os.read(ours, 65536).decode()
            except OSError:  # all is read, and nobody writes any more
                break
        os.close(ours)
        return text

    assert "\x1b[32mserving\x1b[0m" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
