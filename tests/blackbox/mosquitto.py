"""Real MQTT: mosquitto brokers, and mosquitto_sub and mosquitto_pub as clients."""
import shutil
import socket
import subprocess
from pathlib import Path

from environment import PATIENCE_S, wait_until
from gateway import Lines

INSTALLED = all(map(shutil.which, ("mosquitto", "mosquitto_sub", "mosquitto_pub")))

_CONFIGURATION = """\
listener {port} 127.0.0.1
persistence false
max_queued_messages 0
log_dest stderr
"""
_WEBSOCKET = """\
listener {port} 127.0.0.1
protocol websockets
"""
ANYBODY = "allow_anonymous true\n"


class Broker:
    """`settings`: what its file says about who may do what. With `websocket` it has `websocket`, an address, as well."""

    def __init__(self, name, directory, websocket=False, settings=ANYBODY):
        self.name, self._settings = name, settings
        self._file = Path(directory) / f"{name}.conf"
        for _ in range(10):  # mosquitto cannot choose a free port itself; another process may take this one first
            ports = [_free_port() for _ in range(1 + websocket)]
            if self._started(ports):
                self.address = f"127.0.0.1:{ports[0]}"
                self.websocket = f"127.0.0.1:{ports[1]}" if websocket else None
                return
        raise AssertionError("no port for mosquitto")

    def _started(self, ports):
        self._ports = ports
        listeners = zip((_CONFIGURATION, _WEBSOCKET), ports)
        self._file.write_text("".join(text.format(port=port) for text, port in listeners) + self._settings)
        self._process = subprocess.Popen(["mosquitto", "-c", self._file], stderr=subprocess.DEVNULL)
        wait_until(lambda: all(map(_listens, ports)) or self._process.poll() is not None, f"mosquitto on ports {ports}")
        return self._process.poll() is None

    def restart(self):
        """At the same addresses, with nothing of what it knew."""
        self.kill()
        wait_until(lambda: self._started(self._ports), f"mosquitto again on ports {self._ports}")

    def entry(self):
        return {"name": self.name, "address": self.address}

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)

    close = kill


def write_passwords(file, **passwords):
    """A password_file of mosquitto."""
    file.write_text("".join(f"{user}:{password}\n" for user, password in passwords.items()))
    subprocess.run(["mosquitto_passwd", "-U", file], check=True, stderr=subprocess.DEVNULL)
    file.chmod(0o644)  # mosquitto reads it as a user of its own


class Subscriber:
    """A mosquitto_sub; it connects again by itself when its connection ends."""

    def __init__(self, address, topic):
        host, port = address.rsplit(":", 1)
        self._process = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", host, "-p", port, "-q", "1", "-t", topic, "-d", "-F", "got %p"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._lines = Lines(self._process.stdout)
        self.wait_subscribed(1)

    def wait_subscribed(self, times):
        wait_until(lambda: sum(line.startswith("Subscribed") for line in self._lines.all()) >= times,
                   lambda: f"{times} subscriptions; it said {self._lines.all()[-20:]}")

    def messages(self):
        return [line.removeprefix("got ") for line in self._lines.all() if line.startswith("got ")]

    def wait_messages(self, count):
        wait_until(lambda: len(self.messages()) >= count,
                   lambda: f"{count} messages; there are {len(self.messages())}")
        return self.messages()

    def wait_message(self, last):
        """Everything up to and including the message `last`."""
        wait_until(lambda: last in self.messages(), lambda: f"{last}; there are {self.messages()[-5:]}")
        return self.messages()[:self.messages().index(last) + 1]

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._lines.close()


class Publisher:
    """A mosquitto_pub that publishes a message for each line it is given, with QoS 1."""

    def __init__(self, address, topic):
        host, port = address.rsplit(":", 1)
        self._process = subprocess.Popen(["mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", topic, "-l"],
                                         stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def publish(self, *messages):
        self._process.stdin.writelines(f"{each}\n" for each in messages)
        self._process.stdin.flush()

    def finish(self):
        """Ends when the broker has acknowledged everything. Returns the exit status."""
        self._process.stdin.close()
        return self._process.wait(PATIENCE_S)

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._process.stdin.close()


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
