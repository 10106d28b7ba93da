"""What the tools of this folder share: the files of the project, its table of rooms, and how a fault is told."""
import argparse
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

NOT_SOURCES = {".git", "__pycache__", ".pytest_cache", "build"}


@dataclass(frozen=True, order=True)
class Fault:
    """Something wrong, and where. `path` is relative to the root of the project."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


def arguments(description, **options):
    """A parser with the one option that every tool has: which tree to look at."""
    parser = argparse.ArgumentParser(description=description, **options)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the tree to look at (default: the one this tool is in)")
    return parser


def project_files(root):
    """Every file that git has or would take, as relative paths. Without git: every file outside build folders."""
    asked = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           capture_output=True, check=False)
    top = subprocess.run(["git", "-C", str(root), "rev-parse", "--show-toplevel"], capture_output=True, check=False)
    if asked.returncode == 0 and Path(os.fsdecode(top.stdout).strip()).resolve() == root.resolve():
        found = {Path(os.fsdecode(name)) for name in asked.stdout.split(b"\0") if name}
        return sorted(path for path in found if (root / path).is_file())
    return sorted(path.relative_to(root) for path in root.rglob("*")
                  if path.is_file() and not is_built(path.relative_to(root)))


def is_built(path):
    return path.parts[0].startswith("build-") or any(part in NOT_SOURCES for part in path.parts)


def cpp_files(root, folders=("src", "apps")):
    """C++ files below the folders. One whose folder git ignores by accident is still one: it is built."""
    return sorted(path.relative_to(root) for folder in folders for path in (root / folder).rglob("*")
                  if path.suffix in (".h", ".cc") and path.is_file())


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def read_rooms(root):
    """The table of rooms: name to {"uses": [...], "pure": bool, "pure_folders": [...]}."""
    with open(root / "tools/rooms.toml", "rb") as file:
        return {name: {"uses": [], "pure": False, "pure_folders": []} | room for name, room in tomllib.load(file).items()}


def line_at(text, position):
    return text.count("\n", 0, position) + 1


TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>\bu?8?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<include>^[ \t]*\#[ \t]*include\b[^\n]*)
      | (?P<number>\b\d(?:[\w.]|'\w)*)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    """The same text, as long and with the same lines, with every comment blank."""
    return TOKEN.sub(lambda match: blank(match) if match["comment"] else match.group(), text)


def without_comments_and_strings(text):
    """Also without what is between quotes; includes stay."""
    return TOKEN.sub(lambda match: match.group() if match["number"] or match["include"] else blank(match), text)


def string_literals(text):
    """(position, content) of every plain string literal outside comments."""
    for match in TOKEN.finditer(text):
        if match["string"] and match["string"].startswith('"'):
            yield match.start(), match["string"][1:-1]


def tell(faults, what, looked_at):
    """Prints faults in order and one closing line. Returns the exit status."""
    for fault in sorted(set(faults)):
        print(fault)
    count = len(set(faults))
    print(f"{what}: {looked_at}, {count} fault{'' if count == 1 else 's'}")
    sys.stdout.flush()
    return 1 if count else 0
