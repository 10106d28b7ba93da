"""The Debian package: built, installed in a clean root, run there, removed. And its unit, as systemd sees it."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from clean_root import CleanRoot
from configuration import config, to_toml
from environment import BINARY, REPOSITORY, SANITIZED
from gateway import Gateway

UNIT = REPOSITORY / "packaging" / "holdfast.service"
EXPOSURE_MAX = 1.8  # of 10, as systemd-analyze security has it
NOT_OF_THE_PACKAGE = ("var/lib/dpkg", "var/log", "var/cache", "tmp", "dev", "proc")
BACKUPS = re.compile(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/\.pwd\.lock$")

pytestmark = [
    pytest.mark.skipif(SANITIZED, reason="the package has no sanitizers"),
    pytest.mark.skipif(not shutil.which("dpkg-shlibdeps"), reason="dpkg-dev is not installed"),
]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a root file system is made by root")


@pytest.fixture(scope="module")
def package():
    """The package, built anew from the program under test."""
    for command in (["cmake", "--build", BINARY.parent, "--target", "package_files"],
                    ["cpack", "--config", BINARY.parent / "CPackConfig.cmake"]):
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    said = re.search(r"package: (\S+\.deb) generated", done.stdout)
    assert said, done.stdout
    return Path(said[1])


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    path = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "-x", package, path], check=True)
    return path


@pytest.fixture(scope="module")
def root(package, tmp_path_factory):
    """A clean root into which the package has been copied, not yet installed."""
    made = CleanRoot(tmp_path_factory.mktemp("root"), dependencies(package))
    shutil.copy(package, made.path / "tmp/holdfast.deb")
    yield made
    shutil.rmtree(made.path)


def dependencies(package):
    said = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True).stdout
    return [each.split()[0] for each in said.strip().split(", ")]


def install(root):
    return root.run("dpkg", "-i", "/tmp/holdfast.deb")


def write_configuration(root, document, name="holdfast.toml"):
    (root.path / "etc/holdfast" / name).write_text(to_toml(document))


def users(root):
    return {line.split(":")[0] for file in ("passwd", "group", "shadow", "gshadow")
            for line in (root.path / "etc" / file).read_text().splitlines()}


# --- what is in it ---


def test_it_depends_on_every_library_that_the_program_needs(package):
    needed = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    names = dependencies(package)
    assert "libc6" in names and "libstdc++6" in names and "passwd" in names
    assert ("libspdlog" in needed) == any(each.startswith("libspdlog") for each in names)


def test_lintian_finds_no_error(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", ["man1/holdfast.1", "man5/holdfast.toml.5"])
def test_man_pages_are_read_without_a_complaint(unpacked, page):
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    file = unpacked / f"usr/share/man/{page}.gz"
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", file], capture_output=True, text=True, check=False,
                          env={**os.environ, "MANWIDTH": "100", "MANROFFSEQ": "", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    for section in ("NAME", "DESCRIPTION"):
        assert re.search(rf"^{section}$", done.stdout, re.MULTILINE), section


@pytest.mark.parametrize("shell, file, begins", [
    ("bash", "bash-completion/completions/holdfast", r"^complete .*\bholdfast$"),
    ("zsh", "zsh/vendor-completions/_holdfast", r"\A#compdef holdfast$"),
    ("fish", "fish/vendor_completions.d/holdfast.fish", r"^complete -c holdfast\b"),
])
def test_completions_are_programs_of_their_shell(unpacked, shell, file, begins):
    text = (unpacked / "usr/share" / file).read_text()
    assert re.search(begins, text, re.MULTILINE)
    if shutil.which(shell):
        subprocess.run([shell, "-n", unpacked / "usr/share" / file], check=True)


def test_the_default_configuration_is_right(holdfast, unpacked):
    done = holdfast("check", unpacked / "etc/holdfast/holdfast.toml")
    assert (done.returncode, done.stderr) == (0, "")


# --- installed ---


@needs_root
def test_installed_it_runs_and_purged_it_is_gone(root, resources, echo_backend):
    before, users_before = root.tree(*NOT_OF_THE_PACKAGE), users(root)
    install(root)
    assert "right (listeners: 1" in root.run("holdfast", "check", "/etc/holdfast/holdfast.toml")
    assert "holdfast" in users(root) - users_before
    assert root.run("id", "-un", "holdfast").strip() == "holdfast"

    document = config(pool=dict(servers=[echo_backend("a")]), admin=dict(listen="127.0.0.1:0"))
    document["node"] |= dict(data_dir="/var/lib/holdfast")
    del document["node"]["run_dir"]
    root.run("install", "-d", "-o", "holdfast", "-g", "holdfast", "/run/holdfast")  # RuntimeDirectory=
    as_holdfast = ["setpriv", "--reuid=holdfast", "--regid=holdfast", "--init-groups"]
    gateway = Gateway(root.path / "etc/holdfast", document, program="/usr/bin/holdfast",
                      through=[*root.through(), *as_holdfast], seen_as="/etc/holdfast")
    resources.callback(gateway.finish)
    client = gateway.connect()
    assert client.ask(b"hello") == b"hello"
    assert gateway.get("/readyz").status == 200
    document["listener"].append(dict(name="second", bind=["unix:/run/holdfast/second.sock"], pool="p"))
    gateway.write_file(document)
    assert "second" in root.run(*as_holdfast, *unit_value("ExecReload")[0].split()), "as the unit has it"
    assert gateway.listener("second")["state"] == "accepting"
    assert client.ask(b"still here") == b"still here"
    gateway.finish()
    (root.path / "run/holdfast").rmdir()  # it has taken its sockets away

    root.run("dpkg", "--purge", "holdfast")
    left = {each for each in root.tree(*NOT_OF_THE_PACKAGE) - before if not BACKUPS.search(each)}
    assert not left
    assert users(root) == users_before


@needs_root
def test_an_upgrade_keeps_the_configuration_of_the_operator(root, echo_backend):
    install(root)
    mine = config(pool=dict(servers=[dict(address="127.0.0.1:1")]))
    write_configuration(root, mine)
    install(root)
    assert (root.path / "etc/holdfast/holdfast.toml").read_text() == to_toml(mine)
    root.run("dpkg", "--remove", "holdfast")
    assert (root.path / "etc/holdfast/holdfast.toml").exists(), "removing is not purging"
    assert not (root.path / "usr/bin/holdfast").exists()
    root.run("dpkg", "--purge", "holdfast")
    assert not (root.path / "etc/holdfast").exists()


# --- the unit ---


@pytest.fixture(scope="module")
def analyzed_unit(unpacked):
    """A function: systemd-analyze VERB on the unit of the unpacked package."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")

    def analyze(*arguments):
        done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return analyze


def test_systemd_understands_the_unit(analyzed_unit, unpacked):
    status, said = analyzed_unit("verify", f"--root={unpacked}", "--recursive-errors=no", "--man=no",
                                 "holdfast.service")
    assert "holdfast.service:" not in said, said
    assert status == 0, said


def test_the_unit_is_exposed_to_little(analyzed_unit):
    status, said = analyzed_unit("security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", UNIT)
    assert status == 0, said


def unit_value(key):
    return [line.removeprefix(f"{key}=") for line in UNIT.read_text().splitlines() if line.startswith(f"{key}=")]


def test_the_unit_gives_only_the_right_to_bind_low_ports():
    assert unit_value("AmbientCapabilities") == unit_value("CapabilityBoundingSet") == ["CAP_NET_BIND_SERVICE"]
    assert unit_value("User") == ["holdfast"]


def test_the_unit_waits_longer_than_a_stop_may_take(holdfast):
    reference = holdfast("check", "--reference").stdout
    default = re.search(r'`stop_timeout` \|[^\n]*?"(\d+)s"', reference)
    minutes = re.fullmatch(r"(\d+)min", unit_value("TimeoutStopSec")[0])
    assert default and minutes
    assert int(minutes[1]) * 60 > int(default[1])
