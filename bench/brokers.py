"""The brokers under test, each with the configuration that is fair: one thread, no persistence, no log, no authentication,
everything else as its maker delivers it.

mosquitto is delivered without TCP_NODELAY: the kernel then puts what it writes to one client together while an answer is
under way. That saves CPU and costs latency, up to the 40 ms of a delayed acknowledgement. Holdfast always sets it; so there
is a second mosquitto that does, too."""

import re
import shutil
from dataclasses import dataclass, replace

from processes import Process
from proxies import first_line, free_port, wait_for_port

HOLDFAST = """
[node]
workers = 1
run_dir = ""
[log]
connections = false
[admin]
listen = ""
[[broker.listener]]
name = "m"
bind = ["127.0.0.1:{port}"]
protocol = "mqtt"
[auth]
anonymous = "allow"
"""

MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
log_dest none
user root
"""


@dataclass
class Broker:
    """How one kind of broker is configured and started. {port}, {file} and {folder} are filled in."""
    name: str
    title: str
    program: str
    arguments: tuple
    configuration: str
    version_arguments: tuple

    def version(self):
        return first_line([self.program, *self.version_arguments])

    def start(self, folder, cpus):
        """Returns the process and the port where it listens."""
        port, file = free_port(), folder / f"{self.name}.conf"
        known = {"port": port, "file": file, "folder": folder}
        file.write_text(self.configuration.format(**known))
        process = Process([self.program, *(part.format(**known) for part in self.arguments)], cpus,
                          folder / f"{self.name}.log")
        wait_for_port(process, port)
        return process, port


def all_brokers(holdfast):
    """By name. The program of one that is not installed is None."""
    own = Broker("holdfast", "Holdfast", shutil.which(holdfast), ("run", "{file}"), HOLDFAST, ("--version",))
    mosquitto = Broker("mosquitto", "mosquitto", shutil.which("mosquitto"), ("-c", "{file}"), MOSQUITTO, ("-h",))
    no_delay = replace(mosquitto, name="mosquitto_nodelay", title="mosquitto, TCP_NODELAY",
                       configuration=MOSQUITTO + "set_tcp_nodelay true\n")
    return {broker.name: broker for broker in (own, mosquitto, no_delay)}


def with_own_command(brokers, text):
    """Adds NAME=COMMAND: any other broker; {port} in its command, and in a file that it names, is for it to heed."""
    name, command = re.fullmatch(r"(\w+)=(.+)", text).groups()
    program, *arguments = command.split()
    brokers[name] = Broker(name, name, shutil.which(program), tuple(arguments), "", ("--version",))
