"""Real nginx with its stream module, in front of the program and behind it."""
import shutil
import socket
import subprocess
from pathlib import Path

from environment import PATIENCE_S, wait_until
from gateway import Lines

_STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
INSTALLED = bool(shutil.which("nginx")) and _STREAM_MODULE.exists()

_MAIN = """\
load_module {module};
daemon off;
master_process off;
pid {directory}/{name}.pid;
error_log stderr info;
events {{}}
"""
_HTTP = """\
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
"""


class Nginx:
    """`kind`: stream or http; `server`: what its one server block has, with {listen} for where clients connect."""

    def __init__(self, name, directory, kind, server, host="127.0.0.1"):
        self.name, self._directory = name, Path(directory)
        for _ in range(10):  # nginx cannot choose a free port itself; another process may take this one first
            self.address = f"{host}:{_free_port(host)}"
            if self._started(kind, server):
                return
        raise AssertionError(f"no port for nginx; it said {self._lines.all()}")

    def _started(self, kind, server):
        names = {"module": _STREAM_MODULE, "directory": self._directory, "name": self.name}
        block = (_HTTP.format(**names) if kind == "http" else "") + f"  server {{ {server} }}\n"
        file = self._directory / f"{self.name}.conf"
        file.write_text(_MAIN.format(**names) + f"{kind} {{\n{block}}}\n".replace("{listen}", self.address))
        self._process = subprocess.Popen(["nginx", "-p", self._directory, "-c", file, "-e", "stderr"],
                                         stderr=subprocess.PIPE, text=True)
        self._lines = Lines(self._process.stderr)
        pid_file = self._directory / f"{self.name}.pid"  # written when it listens
        wait_until(lambda: pid_file.exists() or self._process.poll() is not None, f"nginx at {self.address}")
        return self._process.poll() is None

    def entry(self):
        return {"name": self.name, "address": self.address}

    def log_lines(self):
        return self._lines.all()

    def close(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._lines.close()
        print("\n".join([f"log of {self.name}:", *self.log_lines()[-30:]]))


def _free_port(host):
    with socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET) as sock:
        sock.bind((host.strip("[]"), 0))
        return sock.getsockname()[1]
