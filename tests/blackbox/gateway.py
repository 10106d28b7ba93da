"""The program under test as a process: started on a configuration, watched through what it shows, ended and judged."""
import http.client
import json
import os
import re
import select
import signal
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

import peers
from configuration import to_toml
from environment import BINARY, PATIENCE_S, SANDBOX, SANDBOXED, wait_until
from prometheus import Page

_SANITIZER_REPORT = re.compile(
    r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error:|SUMMARY: .*Sanitizer")
_CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


# Exit statuses of `holdfast run`, beside 0.
CONNECTIONS_CUT, ENDED_AT_ONCE = 5, 6


class Answer(NamedTuple):
    status: int
    content_type: str
    body: str
    headers: dict = {}

    def json(self):
        return json.loads(self.body)


class Lines:
    """What the process writes to a pipe, line by line. Read by a thread, so that the process never waits."""

    def __init__(self, stream):
        self._lines, self._stream = [], stream
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._stream:
            self._lines.append(line.rstrip("\n"))

    def all(self):
        return list(self._lines)

    def wait_for(self, text, within_s=PATIENCE_S):
        """The first line that contains `text`."""
        return wait_until(lambda: next((each for each in self.all() if text in each), None),
                          lambda: f"a line with {text!r}; there were {self.all()}", within_s)

    def close(self):
        """After the process has ended: waits for the last line."""
        self._reader.join(PATIENCE_S)
        self._stream.close()


class _AdminConnection(http.client.HTTPConnection):
    """To a TCP address or a unix socket."""

    def __init__(self, address):
        self._address = address
        super().__init__("localhost", timeout=PATIENCE_S)

    def connect(self):
        self.sock = peers.connect(self._address).socket


def run_to_end(*arguments, **options):
    """A command that ends by itself. Returns subprocess.CompletedProcess with text."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, **options)
    assert not _SANITIZER_REPORT.search(done.stderr), done.stderr
    return done


class Gateway:
    """A running `holdfast run`. Made by the `run` fixture, which also ends it."""

    def __init__(self, directory, document, environment=None, descriptors=0, unread_log=False, ready_fd=False,
                 through=(), program=BINARY, seen_as=None):
        """`descriptors`: RLIMIT_NOFILE. `unread_log`: nobody ever reads its standard error. `through`: a command that
        becomes the gateway, such as chroot DIRECTORY; in there `directory` may be `seen_as` another."""
        self.file = Path(directory) / "holdfast.toml"
        self.file.write_text(to_toml(document))
        self._json_log = document["log"]["format"] == "json"
        self._clients = []
        self._judged = False
        reading_end, writing_end = os.pipe() if ready_fd else (-1, -1)
        limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
        through = [*(through or (SANDBOX if SANDBOXED else []))]
        file = Path(seen_as or directory) / self.file.name
        command = [*limit, *through, program, "run", file, *(["--ready-fd", str(writing_end)] if ready_fd else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         env={**os.environ, **(environment or {})},
                                         pass_fds=[writing_end] if ready_fd else [])
        self._log = None if unread_log else Lines(self._process.stderr)
        self.pid = self._process.pid
        if ready_fd:
            os.close(writing_end)
            with open(reading_end, encoding="utf-8") as stream:
                self.ready = self._read_ready_line(stream)
        else:
            self.ready = self._read_ready_line(self._process.stdout)
        self.admin = self.ready.get("admin")

    def _read_ready_line(self, stream):
        select.select([stream], [], [], PATIENCE_S)
        line = stream.readline()
        if not line:
            self._process.kill()
            self._process.wait()
            self._judge()
            raise AssertionError(f"no ready line; standard error: {self.log_lines()}")
        return json.loads(line)

    # Traffic.

    def address(self, listener=None):
        """The first address of a listener (default: of the first listener)."""
        return self.addresses(listener or self.ready["listeners"][0]["name"])[0]

    def addresses(self, listener):
        return [each["address"] for each in self.ready["listeners"] if each["name"] == listener]

    def connect(self, address=None, **options):
        """A client. It is closed before the gateway is ended."""
        client = peers.connect(address or self.address(), **options)
        self._clients.append(client)
        return client

    def clients(self):
        """Those that connect() made and that are open still."""
        return [each for each in self._clients if each.socket.fileno() >= 0]

    # What it shows.

    def ask(self, method, path, body=None, headers=None):
        """`body`: bytes as they are, or a value that becomes JSON. `headers`: further ones, or others."""
        as_json = body is not None and not isinstance(body, bytes)
        sent = {**({"Content-Type": "application/json"} if as_json else {}), **(headers or {})}
        connection = _AdminConnection(self.admin)
        try:
            connection.request(method, path, json.dumps(body) if as_json else body, sent)
            answer = connection.getresponse()
            lower = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, lower.get("content-type", ""), answer.read().decode(), lower)
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def told(self, method, path, body=None):
        """What the API answers to a request that must work."""
        answer = self.ask(method, path, body)
        assert 200 <= answer.status < 300, answer
        return json.loads(answer.body) if answer.body else None

    def status(self):
        return self.told("GET", "/v1/status")

    def listener(self, name="main"):
        return self.told("GET", f"/v1/listeners/{name}")

    def change_server(self, name, pool="p", **change):
        return self.told("PATCH", f"/v1/pools/{pool}/servers/{name}", change)

    # What operators do.

    def write_file(self, document):
        """As a careful editor does it: the process never sees half a file."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(document if isinstance(document, str) else to_toml(document))
        fresh.rename(self.file)

    def reload(self, document=None, **options):
        """Writes the file, if one is given, and reloads it. Returns the report; the reload must work."""
        if document is not None:
            self.write_file(document)
        return self.told("POST", "/v1/reload", options)

    def command(self, *arguments, **options):
        """`holdfast ARGUMENTS` against this process, as subprocess.CompletedProcess."""
        return run_to_end(*arguments, "--admin", f"http://{self.admin}", **options)

    def begin(self, method, path):
        """The beginning of an answer that has no end."""
        connection = _AdminConnection(self.admin)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("content-type", ""), "")
        finally:
            connection.close()

    def metrics(self):
        return Page(self.get("/metrics").body)

    def metric(self, name, **labels):
        return self.metrics().value(name, **labels)

    def wait_metric(self, name, expected, **labels):
        """`expected`: a value, or a predicate of one. Waits for the sum of the samples with these labels."""
        fits = expected if callable(expected) else lambda value: value == expected
        seen = []

        def fitting():
            seen[:] = [self.metric(name, **labels)]
            return fits(seen[0])

        wait_until(fitting, lambda: f"{name} {labels} is {seen}, wanted {expected}")
        return seen[0]

    def servers(self, pool="p"):
        """{name: what the API says of the server}."""
        answer = self.get(f"/v1/pools/{pool}/servers")
        assert answer.status == 200, answer
        return {each["name"]: each for each in json.loads(answer.body)}

    def wait_server(self, name, pool="p", **expected):
        """Waits until the API says this of the server. Each is a value, or a predicate of one."""
        seen = {}

        def fits(key):
            return expected[key](seen[key]) if callable(expected[key]) else seen[key] == expected[key]

        def fitting():
            seen.clear()
            seen.update(self.servers(pool).get(name, {}))
            return seen and all(map(fits, expected))

        wait_until(fitting, lambda: f"{expected} of {name}; it is {seen}")
        return dict(seen)

    def log(self, message=None, **fields):
        """The log's entries with this message and these fields, oldest first (JSON logs)."""
        wanted = {**fields, **({"message": message} if message else {})}
        return [entry for entry in map(_entry, self.log_lines()) if entry and wanted.items() <= entry.items()]

    def log_lines(self):
        return self._log.all() if self._log else ["(nobody reads it)"]

    def wait_log(self, message, count=1, **fields):
        wait_until(lambda: len(self.log(message, **fields)) >= count,
                   lambda: f"{count} log lines {message!r} {fields}; there were {self.log_lines()[-30:]}")
        return self.log(message, **fields)

    def pool(self, name="p"):
        """What GET /v1/pools says of a pool."""
        return next(each for each in json.loads(self.get("/v1/pools").body) if each["name"] == name)

    def wait_ended(self, count=1, **fields):
        """The log's lines about ended connections."""
        return self.wait_log("connection ended", count, **fields)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS_PER_S

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def user_memory_bytes(self):
        """Anonymous memory: what the process itself has written to."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no Anonymous: in smaps_rollup")

    # Its end.

    def signal(self, number):
        self._process.send_signal(number)

    def running(self):
        return self._process.poll() is None

    def close_log(self):
        """With `unread_log`: as when whatever should have read it has died."""
        self._process.stderr.close()

    def wait_exit(self, within_s=PATIENCE_S):
        """The exit status, once the process has ended and nothing is wrong with what it said."""
        status = self._process.wait(within_s)
        self._judge()
        return status

    def close_clients(self):
        for each in self._clients:
            each.close()

    def finish(self):
        """Ends it in order, and fails when it does not end well. What tests need not do themselves."""
        if self._judged:
            return
        self.close_clients()
        already_ended = not self.running()
        self.signal(signal.SIGTERM)
        try:
            status = self.wait_exit()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("SIGTERM did not end it") from None
        finally:
            print("\n".join(["log of the gateway:", *self.log_lines()[-100:]]))
        assert not already_ended, f"it had ended by itself, with {status}"
        assert status in (0, CONNECTIONS_CUT), f"exit status {status}"

    def _judge(self):
        self._judged = True
        self._process.stdout.close()
        if self._log is None:
            return self._judge_unread_log()
        self._log.close()
        for line in self.log_lines():
            assert not _SANITIZER_REPORT.search(line), "\n".join(self.log_lines())
            assert not self._json_log or _entry(line), f"not a line of the log: {line!r}"

    def _judge_unread_log(self):
        if self._process.stderr.closed:
            return
        with self._process.stderr as stream:
            rest = stream.read()
        assert not _SANITIZER_REPORT.search(rest), rest


def _entry(line):
    """A line of the log, or None when it is none."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"time", "level", "message"} <= entry.keys() else None
