"""Traffic through the gateway from `holdfast bench`, and servers that keep up with it."""
import json
import subprocess

from environment import BINARY, PATIENCE_S


class Load:
    """`holdfast bench echo`, from here on until its time is over."""

    def __init__(self, address, connections, rate, seconds):
        self._seconds = seconds
        self._process = subprocess.Popen(
            [BINARY, "bench", "echo", address, "--connections", str(connections), "--rate", str(rate), "--warmup", "1s",
             "--duration", f"{seconds}s", "--json", "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_traffic(self):
        assert self._process.stderr.readline()

    def running(self):
        return self._process.poll() is None

    def result(self):
        out, _ = self._process.communicate(timeout=PATIENCE_S + 2 * self._seconds)
        return json.loads(out)

    def close(self):
        self._process.kill()
        self._process.wait()


class EchoServers:
    """Servers of one process; `addresses` are theirs."""

    def __init__(self, count):
        command = [BINARY, "bench", "serve", *(part for _ in range(count) for part in ("--bind", "127.0.0.1:0"))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addresses = json.loads(self._process.stdout.readline())["addresses"]

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def lost(result):
    """What went wrong with connections. That the generator could not keep its rate on a busy machine is not of them."""
    return {name: count for name, count in result["errors"].items()
            if count and name not in ("total", "unsent", "unanswered")}
