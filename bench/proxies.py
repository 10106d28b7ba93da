"""The proxies under test, each with the configuration that is fair: one thread, no log of connections, the same backlog and
limits, everything else as its maker delivers it.

TCP keepalive is off for all: nginx cannot be told its times for the side of the servers, so only off is equal."""

import re
import shutil
import socket
import subprocess
import time

from processes import PATIENCE, BenchError, Process

NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"

HOLDFAST = """
[node]
workers = {workers}
[log]
connections = false
[admin]
listen = ""
[[listener]]
name = "bench"
bind = ["127.0.0.1:0"]
pool = "p"
max_connections = 100000
tcp_keepalive = "0s"
[[pool]]
name = "p"
[[pool.server]]
name = "s1"
address = "{backend}"
"""

HAPROXY = """
global
  nbthread {workers}
  maxconn 8500
  maxpipes 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 3h
  timeout server 3h
  {splice}
listen bench
  bind 127.0.0.1:{port} backlog 65535
  server s1 {backend}
"""

NGINX = """
load_module {module};
daemon off;
user root;
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 19900; }}
stream {{
  access_log off;
  proxy_connect_timeout 5s;
  proxy_timeout 3h;
  server {{
    listen 127.0.0.1:{port} backlog=65535;
    proxy_pass {backend};
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(process, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.popen.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise BenchError(f"nobody listens at port {port}; see {process.log.name}")


class Proxy:
    """How one kind of proxy is configured and started."""

    def __init__(self, name, program):
        self.name = name
        self.program = shutil.which(program) if program else None

    def version(self):
        raise NotImplementedError

    def command(self, folder, backend, port, workers, options):
        """Writes the configuration and returns the command that runs it in the foreground."""
        raise NotImplementedError

    def start(self, folder, backend, cpus, workers=1, options=(), wrapper=()):
        """Starts it before `backend`. Returns the process and the address where it listens."""
        folder.mkdir(exist_ok=True)
        port = free_port()
        command = self.command(folder, backend, port, workers, options)
        process = Process([*wrapper, *command], cpus, folder / f"{self.name}.log")
        return process, self.address(process, port)

    def address(self, process, port):
        wait_for_port(process, port)
        return f"127.0.0.1:{port}"


class Holdfast(Proxy):
    def version(self):
        return first_line([self.program, "--version"])

    def command(self, folder, backend, port, workers, options):
        path = folder / "holdfast.toml"
        path.write_text(HOLDFAST.format(backend=backend, workers=workers))
        return [self.program, "run", path]

    def address(self, process, port):
        return process.read_json()["listeners"][0]["address"]


class HAProxy(Proxy):
    def version(self):
        return re.sub(r" - https.*", "", first_line([self.program, "-v"]))

    def command(self, folder, backend, port, workers, options):
        path = folder / "haproxy.cfg"
        splice = "option splice-auto" if "splice" in options else ""
        path.write_text(HAPROXY.format(backend=backend, port=port, workers=workers, splice=splice))
        return [self.program, "-db", "-f", path]


class Nginx(Proxy):
    def version(self):
        return first_line([self.program, "-v"])

    def command(self, folder, backend, port, workers, options):
        path = folder / "nginx.conf"
        path.write_text(NGINX.format(backend=backend, port=port, workers=workers, folder=folder, module=NGINX_MODULE))
        return [self.program, "-e", folder / "nginx.log", "-c", path]


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return (done.stdout or done.stderr).splitlines()[0].strip()


def all_proxies(holdfast):
    return {"holdfast": Holdfast("holdfast", holdfast), "haproxy": HAProxy("haproxy", "haproxy"),
            "nginx": Nginx("nginx", "nginx")}
