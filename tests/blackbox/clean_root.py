"""A root file system with nothing but Debian's essential packages, and those that are asked for, as on a machine just
installed. It is made of this machine's files by its own package database, so that no network is needed; dpkg in there
knows what is installed, and refuses what lacks a dependency.
"""
import os
import re
import subprocess
from pathlib import Path

_STATUS = Path("/var/lib/dpkg/status")
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"


class Package:
    """One stanza of the package database."""

    def __init__(self, stanza):
        self.stanza = stanza
        self.fields = dict(re.findall(r"^([\w-]+): (.*)$", stanza, re.MULTILINE))
        self.name = self.fields.get("Package", "")
        self.architecture = self.fields.get("Architecture", "")
        self.installed = self.fields.get("Status", "").endswith(" installed")
        self.essential = self.fields.get("Essential") == "yes"

    def provides(self):
        return [self.name, *names(self.fields.get("Provides", ""))]

    def needs(self):
        """A list of alternatives for each dependency."""
        wanted = ", ".join(filter(None, (self.fields.get(key) for key in ("Pre-Depends", "Depends"))))
        return [[names(each)[0] for each in one.split("|")] for one in wanted.split(",") if one.strip()]


def names(relations):
    return [re.match(r"[^\s(:]+", each.strip())[0] for each in relations.split(",") if each.strip()]


def installed_packages():
    packages = map(Package, _STATUS.read_text(encoding="utf-8", errors="replace").split("\n\n"))
    return [each for each in packages if each.installed]


def closure(wanted):
    """The essential packages, those that have these names, and all that they need."""
    packages = installed_packages()
    by_name = {}
    for each in packages:
        for name in each.provides():
            by_name.setdefault(name, []).append(each)
    line = [each for each in packages if each.essential] + [by_name[name][0] for name in wanted]
    found = {}
    while line:
        package = line.pop()
        if package.name in found:
            continue
        found[package.name] = package
        for alternatives in package.needs():
            line += next((by_name[name][:1] for name in alternatives if name in by_name), [])
    return [found[name] for name in sorted(found)]


class CleanRoot:
    def __init__(self, path, wanted):
        """In an empty directory. `wanted`: names of packages that are installed on this machine."""
        self.path = Path(path)
        self.path.chmod(0o755)
        self.packages = closure(wanted)
        for name in _MERGED:
            if os.path.islink(f"/{name}"):
                (self.path / "usr" / name).mkdir(parents=True)
                (self.path / name).symlink_to(f"usr/{name}")
        for name in ("dev", "proc", "run", "tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
            (self.path / name).mkdir(parents=True)
        self._copy_files()
        self._write_database()
        self._write_machine()

    def _copy_files(self):
        lists = "".join(self._list_of(each).read_text() for each in self.packages if self._list_of(each))
        there = sorted({line for line in lists.splitlines() if line != "/." and os.path.lexists(line)})
        packed = subprocess.run(["tar", "-C", "/", "--no-recursion", "-cf", "-", "--files-from=-"], check=True,
                                input="".join(f".{each}\n" for each in there).encode(), capture_output=True)
        subprocess.run(["tar", "-C", self.path, "--keep-directory-symlink", "-xf", "-"], check=True,
                       input=packed.stdout)

    @staticmethod
    def _list_of(package):
        for name in (package.name, f"{package.name}:{package.architecture}"):
            file = Path(f"/var/lib/dpkg/info/{name}.list")
            if file.exists():
                return file
        return None

    def _write_database(self):
        database = self.path / "var/lib/dpkg"
        (database / "status").write_text("\n\n".join(each.stanza.strip() for each in self.packages) + "\n")
        for each in self.packages:
            if file := self._list_of(each):
                (database / "info" / file.name).write_bytes(file.read_bytes())

    def _write_machine(self):
        """What the installation of a machine writes, and no package owns."""
        etc = self.path / "etc"
        etc.mkdir(exist_ok=True)
        (etc / "passwd").write_text(_USERS)
        (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
        (etc / "shadow").write_text("root:*:1::::::\nnobody:*:1::::::\n")
        (etc / "gshadow").write_text("root:*::\nnogroup:*::\n")
        os.mknod(self.path / "dev/null", 0o666 | 0o020000, os.makedev(1, 3))
        os.chmod(self.path / "dev/null", 0o666)
        self.run("ldconfig")

    def through(self):
        """Put before a command, this makes it run in here."""
        return ["chroot", str(self.path)]

    def run(self, *command, **options):
        """Runs a command in here, which must succeed, and returns what it said."""
        done = subprocess.run([*self.through(), *command], capture_output=True, text=True, check=False,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
                              **options)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def tree(self, *ignored):
        """Every path, but for what is below the ignored ones."""
        left_out = tuple(str(self.path / each) for each in ignored)
        return {os.path.join(folder, name).removeprefix(str(self.path))
                for folder, folders, files in os.walk(self.path) for name in folders + files
                if not os.path.join(folder, name).startswith(left_out)}
