"""Real HAProxy, in front of the program and behind it. Its listening socket is made here, so that no port is guessed."""
import shutil
import socket
import subprocess
from pathlib import Path

from environment import PATIENCE_S
from gateway import Lines
from peers import socket_address

INSTALLED = bool(shutil.which("haproxy"))

_DEFAULTS = """\
global
  log stdout format raw daemon
defaults
  log global
  timeout connect 10s
  timeout client 60s
  timeout server 60s
"""


class HAProxy:
    """`section`: one listen or frontend section, and what belongs to it; {bind} in it is where clients connect."""

    def __init__(self, name, directory, section, listen="127.0.0.1:0"):
        self.name = name
        family, where = socket_address(listen)
        with socket.socket(family) as listening:
            listening.bind(where)
            listening.listen(1024)
            port = listening.getsockname()[1]
            self.address = f"{listen.rsplit(':', 1)[0]}:{port}"
            file = Path(directory) / f"{name}.cfg"
            file.write_text(_DEFAULTS + section.format(bind=f"bind fd@{listening.fileno()}"))
            self._process = subprocess.Popen(["haproxy", "-db", "-f", file], stdout=subprocess.PIPE,
                                             stderr=subprocess.STDOUT, text=True, pass_fds=[listening.fileno()])
        self._lines = Lines(self._process.stdout)

    def entry(self):
        return {"name": self.name, "address": self.address}

    def log_lines(self):
        return self._lines.all()

    def wait_log(self, text):
        return self._lines.wait_for(text)

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._lines.close()
        print("\n".join([f"log of {self.name}:", *self.log_lines()[-30:]]))
