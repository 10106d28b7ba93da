#!/usr/bin/python3
"""Holds the sources against the table of rooms, tools/rooms.toml.

Rooms use only what the table allows, pure rooms stay pure, CMake says the same as the table, and every room has the
same furniture: a CMakeLists.txt, a short README.md, headers that open with their purpose, one namespace.
"""
import re
import sys
from pathlib import Path

from code_report import print_report
from project import Fault, arguments, cpp_files, line_at, read, read_rooms, tell, without_comments
from project import without_comments_and_strings

README_LINES_MAX = 30

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
ROOM_CALL = re.compile(r"^\s*room\(\s*(\w+)([^)]*)\)", re.MULTILINE)
NAMESPACE = re.compile(r"\bnamespace\s+([\w:]+)?\s*(?:\[\[[^\]]*\]\]\s*)?\{")
ONLY_DECLARATIONS = re.compile(
    r"\s*(?:(?:template\s*<[^<>]*>\s*)?(?:class|struct|enum|enum class)\s+\w+(?:\s*:\s*[\w:]+)?;\s*)*")

SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "linux/", "net/", "asm/", "bits/", "systemd/",
                  "boost/asio", "boost/beast")
SYSTEM_HEADERS = set("""
    unistd.h fcntl.h pthread.h poll.h sched.h time.h ctime signal.h csignal netdb.h ifaddrs.h dirent.h dlfcn.h syslog.h
    termios.h semaphore.h spawn.h mqueue.h pwd.h grp.h aio.h
    iostream fstream syncstream filesystem print""".split())
# Tests of a pure room may use these, because what it shares between threads must be tried by threads.
THREAD_HEADERS = set("thread mutex shared_mutex condition_variable future stop_token semaphore latch barrier".split())
IMPURE_PROJECT_HEADERS = {"base/log.h", "base/event_fd.h", "base/mailbox.h"}
IMPURE_CALLS = re.compile(r"\b((?:steady|system|high_resolution)_clock\s*::\s*now|base::Clock::now|Clock::now)\b")


class Tree:
    """The project as this check sees it."""

    def __init__(self, root):
        self.root = root
        self.rooms = read_rooms(root)
        self.files = cpp_files(root)
        self.folders = {path.name for path in (root / "src").iterdir() if path.is_dir()}

    def text(self, path):
        return read(self.root / path)

    def allowed(self, room):
        return {room, "base", *self.rooms[room]["uses"]}


def room_of(path):
    """The room that a file belongs to; None outside src/."""
    return path.parts[1] if path.parts[0] == "src" and len(path.parts) > 2 else None


def pure_part(tree, path):
    """The name of the pure room, or of the pure folder of a room, that a file belongs to; None where it is neither."""
    room = room_of(path)
    entry = tree.rooms.get(room, {"pure": False, "pure_folders": []})
    if entry["pure"]:
        return room
    return f"{room}/{path.parts[2]}" if len(path.parts) > 3 and path.parts[2] in entry["pure_folders"] else None


def table_line(tree, room):
    for number, line in enumerate(read(tree.root / "tools/rooms.toml").splitlines(), 1):
        if line.strip() == f"[{room}]":
            return number
    return 1


def in_table(tree, room, text):
    return Fault("tools/rooms.toml", table_line(tree, room), text)


def includes(text):
    """(position, path, quoted or angled) of every include outside comments."""
    for match in INCLUDE.finditer(without_comments(text)):
        yield match.start(), match[1] or match[2], "quoted" if match[1] else "angled"


# --- the table itself ---


def check_table(tree):
    for room, entry in tree.rooms.items():
        for used in entry["uses"]:
            if used not in tree.rooms:
                yield in_table(tree, room, f"{room} uses {used}, which is not a room")
            elif entry["pure"] and used != "base" and not tree.rooms[used]["pure"]:
                yield in_table(tree, room, f"{room} is pure but uses {used}, which is not")
    for cycle in cycles(tree.rooms):
        yield in_table(tree, cycle[0], "cycle: " + " -> ".join(cycle))


def cycles(rooms):
    """Each cycle once, from its alphabetically first room back to it."""
    found = set()

    def follow(room, way):
        if room in way:
            ring = way[way.index(room):]
            first = ring.index(min(ring))
            found.add((*ring[first:], *ring[:first], ring[first]))
        elif room in rooms:
            for used in rooms[room]["uses"]:
                follow(used, [*way, room])

    for room in rooms:
        follow(room, [])
    return sorted(found)


def check_folders(tree):
    for room in sorted(set(tree.rooms) - tree.folders):
        yield in_table(tree, room, f"there is no folder src/{room}")
    for room, entry in tree.rooms.items():
        for folder in entry["pure_folders"]:
            if room in tree.folders and not (tree.root / "src" / room / folder).is_dir():
                yield in_table(tree, room, f"there is no folder src/{room}/{folder}")
    for folder in sorted(tree.folders - set(tree.rooms)):
        yield Fault(f"src/{folder}", 1, "this folder is not in tools/rooms.toml")
    for path in tree.files:
        if path.parts[0] == "src" and len(path.parts) == 2:
            yield Fault(str(path), 1, "a source outside any room")


# --- CMake ---


def check_cmake(tree):
    built = built_rooms(tree)
    for room in sorted(set(tree.rooms) & tree.folders):
        path = tree.root / "src" / room / "CMakeLists.txt"
        if not path.is_file():
            yield Fault(f"src/{room}", 1, "the room has no CMakeLists.txt")
        else:
            yield from check_room_call(tree, room, read(path))
        if built is not None and room not in built:
            yield Fault("CMakeLists.txt", 1, f"src/{room} is not built")


def built_rooms(tree):
    """The rooms that the top CMakeLists.txt adds; None where it cannot be told."""
    path = tree.root / "CMakeLists.txt"
    text = re.sub(r"#[^\n]*", "", read(path)) if path.is_file() else ""
    loop = re.search(r"foreach\(\s*room\s+([^)]*)\)", text)
    single = re.findall(r"add_subdirectory\(\s*src/(\w+)\s*\)", text)
    return {*loop[1].split(), *single} if loop else set(single) or None


def check_room_call(tree, room, text):
    where = f"src/{room}/CMakeLists.txt"
    call = ROOM_CALL.search(re.sub(r"#[^\n]*", "", text))
    if call is None:
        yield Fault(where, 1, f"no call of room({room} ...)")
        return
    line = line_at(text, call.start(1))
    if call[1] != room:
        yield Fault(where, line, f"room({call[1]}) in the folder of {room}")
    said = cmake_uses(call[2]) - {"base"}
    meant = set(tree.rooms[room]["uses"]) - {"base"}
    for extra in sorted(said - meant):
        yield Fault(where, line, f"USES {extra}, which tools/rooms.toml does not allow {room}")
    for missing in sorted(meant - said):
        yield Fault(where, line, f"USES lacks {missing}, which tools/rooms.toml gives {room}")


def cmake_uses(words):
    """What follows USES up to the next keyword."""
    found, reading = set(), False
    for word in words.split():
        if word in ("USES", "LIBS", "PRECOMPILE"):
            reading = word == "USES"
        elif reading:
            found.add(word)
    return found


# --- sources ---


def check_includes(tree, path, room, text):
    for position, name, how in includes(text):
        other, exists = name.split("/")[0], (tree.root / "src" / name).is_file()
        if how == "quoted" and not exists:
            yield Fault(str(path), line_at(text, position), f'"{name}" is not a file of src/')
        elif exists and other in tree.rooms and other not in tree.allowed(room):
            yield Fault(str(path), line_at(text, position), f"{room} may not use {other} ({name})")


def check_purity(tree, path, part, text):
    for position, name, how in includes(text):
        if is_impure_header(name, how) or (name in THREAD_HEADERS and not path.stem.endswith("_test")):
            yield Fault(str(path), line_at(text, position), f"{part} is pure: it may not include {name}")
        elif "/" in part and not is_pure_file(tree, Path("src", name)):
            yield Fault(str(path), line_at(text, position), f"{part} is pure: it may not use {name}, which is not")
    for match in IMPURE_CALLS.finditer(without_comments_and_strings(text)):
        yield Fault(str(path), line_at(text, match.start()), f"{part} is pure: it may not ask the clock ({match[1]})")


def is_pure_file(tree, path):
    """Whether a pure folder of a room may include it: base, pure rooms, pure folders, and what is not the project's."""
    return room_of(path) in (None, "base") or not (tree.root / path).is_file() or pure_part(tree, path) is not None


def is_impure_header(name, how):
    if name in IMPURE_PROJECT_HEADERS or name.startswith("spdlog/"):
        return True
    return how == "angled" and (name in SYSTEM_HEADERS or name.startswith(SYSTEM_FOLDERS))


def check_header_opening(path, text):
    name = str(path).removeprefix("src/")
    first = text.split("\n", 1)[0]
    if not re.match(rf"// {re.escape(name)}: \S", first):
        yield Fault(str(path), 1, f'the first line must be "// {name}: purpose"')
    if not re.search(r"^#pragma once$", text, re.MULTILINE):
        yield Fault(str(path), 1, "no #pragma once")


def check_namespaces(path, wanted, text):
    for position, name, body in outer_namespaces(without_comments_and_strings(text)):
        ours = name == "" or name == wanted or name.startswith(wanted + "::")
        if not ours and not ONLY_DECLARATIONS.fullmatch(body):
            yield Fault(str(path), line_at(text, position), f"namespace {name} instead of {wanted}")


def outer_namespaces(code):
    """(position, name, body) of the namespaces that are in no other."""
    end = 0
    while match := NAMESPACE.search(code, end):
        end = closing_brace(code, match.end() - 1)
        yield match.start(), match[1] or "", code[match.end():end]


def closing_brace(code, opening):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(code)


def check_source(tree, path):
    text = tree.text(path)
    room = room_of(path)
    if path.suffix == ".h":
        yield from check_header_opening(path, text)
    yield from check_namespaces(path, f"holdfast::{room}" if room else "holdfast::app", text)
    if room in tree.rooms:
        yield from check_includes(tree, path, room, text)
    if part := pure_part(tree, path):
        yield from check_purity(tree, path, part, text)


def check_readme(tree, room):
    path = tree.root / "src" / room / "README.md"
    if not path.is_file():
        yield Fault(f"src/{room}", 1, "the room has no README.md")
        return
    lines = read(path).splitlines()
    where = f"src/{room}/README.md"
    if not lines or lines[0] != f"# {room}":
        yield Fault(where, 1, f'the first line must be "# {room}"')
    if len(lines) > README_LINES_MAX:
        yield Fault(where, README_LINES_MAX + 1, f"{len(lines)} lines; a room's README has at most {README_LINES_MAX}")


def all_faults(tree):
    yield from check_table(tree)
    yield from check_folders(tree)
    yield from check_cmake(tree)
    for room in sorted(set(tree.rooms) & tree.folders):
        yield from check_readme(tree, room)
    for path in tree.files:
        yield from check_source(tree, path)


def main():
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--report", action="store_true", help="print sizes of files and functions instead")
    options = parser.parse_args()
    if options.report:
        print_report(options.root)
        return 0
    tree = Tree(options.root)
    return tell(list(all_faults(tree)), "check_rooms", f"{len(tree.rooms)} rooms, {len(tree.files)} files")


if __name__ == "__main__":
    sys.exit(main())
