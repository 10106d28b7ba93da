"""`holdfast up`: everything in one process, to try out; and the tour of the README, which begins with it."""
import contextlib
import re
import signal
import subprocess
import urllib.request

import pytest

import mosquitto
import mqtt_libraries
import peers
from environment import BINARY, PATIENCE_S, REPOSITORY, wait_until
from gateway import Lines
from mqtt_client import Client
from prometheus import Page
from websocket_client import WebSocketClient, read_head, request

ROWS = ["gateway", "broker", "websocket", "status", "metrics", "health"]
ANYWHERE = [each for option in ("--listen", "--websocket", "--broker", "--admin") for each in (option, "127.0.0.1:0")]
needs_mosquitto = pytest.mark.skipif(not mosquitto.INSTALLED, reason="mosquitto-clients is not installed")


class Up:
    def __init__(self, arguments=tuple(ANYWHERE)):
        self.process = subprocess.Popen([BINARY, "up", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.table, self.events = Lines(self.process.stdout), Lines(self.process.stderr)
        self.table.wait_for("What happens")
        self.text = "\n".join(self.table.all())
        self.rows = dict(re.findall(rf"^  ({'|'.join(ROWS)}) +(\S+)", self.text, re.MULTILINE))

    def metric(self, name, **labels):
        with urllib.request.urlopen(self.rows["metrics"], timeout=PATIENCE_S) as answer:
            return Page(answer.read().decode()).value(name, **labels)

    def wait_metric(self, name, value, **labels):
        wait_until(lambda: self.metric(name, **labels) == value,
                   lambda: f"{name} {value}; it is {self.metric(name, **labels)}")

    def here(self, command):
        """A command of a document, about where this process listens."""
        for row, usual in (("websocket", "127.0.0.1:8083"), ("metrics", "127.0.0.1:9100")):
            command = command.replace(usual, re.search(r"[\d.]+:\d+", self.rows[row])[0])
        return command.replace("-h 127.0.0.1", "-h 127.0.0.1 -p " + self.rows["gateway"].rsplit(":", 1)[1])


@pytest.fixture
def up(resources):
    made = Up()
    resources.callback(made.process.wait)
    resources.callback(made.process.kill)
    return made


@needs_mosquitto
def test_up_prints_a_table_and_is_a_broker_behind_a_gateway(up, resources):
    assert up.rows.keys() == set(ROWS)
    assert re.search(r"^  health +http://127\.0\.0\.1:\d+/healthz +and /readyz$", up.text, re.MULTILINE)
    client = resources.enter_context(contextlib.closing(mosquitto.Subscriber(up.rows["gateway"], "news")))
    publisher = mosquitto.Publisher(up.rows["broker"], "news")
    resources.callback(publisher.close)
    publisher.publish("hello")
    assert publisher.finish() == 0
    assert client.wait_messages(1) == ["hello"]
    client.close()
    ended = up.events.wait_for("connection ended")
    address = re.search(r"client=(\S+)", ended)[1]
    assert f"client={address} " in up.events.wait_for("client connected"), "the gateway says who the client is"
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(PATIENCE_S) == 0
    up.table.close()
    up.events.close()
    assert not any("Sanitizer" in line or "runtime error:" in line for line in up.events.all())


@needs_mosquitto
def test_commands_that_up_proposes_work_as_they_are_written(up, resources):
    proposed = [line.split("  #")[0].strip() for line in up.text.splitlines() if line.startswith("  mosquitto_")]
    assert len(proposed) == 3
    subscriber, publisher, about_itself = proposed
    lines = watched(resources, subscriber)
    up.wait_metric("holdfast_broker_subscriptions", 1)
    subprocess.run(publisher, shell=True, check=True, timeout=PATIENCE_S)
    lines.wait_for("home/kitchen 21.5")
    watched(resources, about_itself).wait_for("$SYS/broker/version holdfast")


def watched(resources, command, **options):
    """The lines of a command that does not end by itself."""
    process = subprocess.Popen(["stdbuf", "-oL", "bash", "-c", f"exec {command}"], stdout=subprocess.PIPE, text=True,
                               **options)
    lines = Lines(process.stdout)
    resources.callback(lines.close)
    resources.callback(process.wait)
    resources.callback(process.kill)
    return lines


def test_up_lets_nobody_in_from_elsewhere_wherever_it_listens(own_network, resources):
    elsewhere = "10.9.0.1"  # not of the loopback network, so that a client that goes there comes from there
    own_network.add_address(elsewhere)
    everywhere = [each for option in ("--listen", "--websocket", "--broker") for each in (option, "0.0.0.0:0")]
    up = Up([*everywhere, "--admin", "127.0.0.1:0"])
    resources.callback(up.process.wait)
    resources.callback(up.process.kill)
    assert "are refused" in up.text and " -h 127.0.0.1 " in up.text
    ports = {row: re.search(r":(\d+)", up.rows[row].removeprefix("ws://"))[1] for row in ("gateway", "broker", "websocket")}
    for row, kind in (("gateway", Client), ("broker", Client), ("websocket", WebSocketClient)):
        client = kind(f"127.0.0.1:{ports[row]}")
        client.connect()
        client.leave()
        assert closes_at_once(f"{elsewhere}:{ports[row]}"), row


def closes_at_once(address):
    """Whether a client that speaks MQTT there hears nothing but the end."""
    client = Client(address)
    try:
        client.send_connect()
        return client.rest() == []
    except (ConnectionResetError, BrokenPipeError):
        return True
    finally:
        client.close()


def test_up_is_for_pages_of_this_machine_only(up):
    address = re.search(r"[\d.]+:\d+", up.rows["websocket"])[0]
    for origin in (None, "http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080"):
        client = WebSocketClient(address, Origin=origin)
        client.connect()
        client.close()
    for origin in ("https://example.org", "http://localhost.example.org", "null", "file://"):
        assert refused_page(address, origin) == 403, origin
    # A name of the page's own that leads here is no better: its Host and its Origin are the same.
    assert refused_page(address, "http://rebound.example", Host="rebound.example") == 403


def refused_page(address, origin, **headers):
    peer = peers.connect(address)
    peer.send(request(Origin=origin, **headers))
    status, _ = read_head(peer)
    peer.close()
    return status


@needs_mosquitto
@pytest.mark.skipif(not mqtt_libraries.HAS_MQTT_JS, reason="mqtt.js (Debian's node-mqtt) is not installed")
def test_the_tour_of_the_readme(up, resources, directory):
    tour = (REPOSITORY / "README.md").read_text().split("## A two-minute tour")[1].split("Now a configuration")[0]
    [program] = re.findall(r"^```js\n(.*?)^```", tour, re.MULTILINE | re.DOTALL)
    (directory / "web.js").write_text(up.here(program))
    blocks = re.findall(r"^```\n(\$.*?)^```", tour, re.MULTILINE | re.DOTALL)
    subscribers, subscriptions = [], 0
    for block in blocks:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = step.splitlines()
            if command.startswith("npm "):
                continue  # it is installed; the test does not ask the Internet
            if command.endswith(" &"):
                subscribers.append(watched(resources, up.here(command.removesuffix(" &")), cwd=directory,
                                           env=mqtt_libraries.NODE_ENVIRONMENT))
                subscriptions += 1
                up.wait_metric("holdfast_broker_subscriptions", subscriptions)
                continue
            done = subprocess.run(up.here(command), shell=True, check=True, capture_output=True, text=True,
                                  timeout=PATIENCE_S, cwd=directory)
            for line in expected:
                wait_until(lambda: line in done.stdout.splitlines() or any(line in each.all() for each in subscribers),
                           lambda: f"{line!r} after {command}; {done.stdout} {[each.all() for each in subscribers]}")
    assert subscriptions == 2


@pytest.mark.parametrize("option, row", [("--listen", "gateway"), ("--broker", "broker")])
def test_up_says_which_address_is_taken(holdfast, up, option, row):
    arguments = list(ANYWHERE)
    arguments[arguments.index(option) + 1] = up.rows[row]
    done = holdfast("up", *arguments)
    assert done.returncode == 1
    assert up.rows[row] in done.stderr and "Address already in use" in done.stderr
