#!/usr/bin/python3
"""The hygiene of the repository: links lead somewhere, documents name every room and metric and copy no wrong row,
sources are clean text."""
import re
import sys

from project import Fault, arguments, line_at, project_files, read, read_rooms, string_literals, tell

FILE_BYTES_MAX = 1 << 20
CLEAN_SUFFIXES = {".h", ".cc", ".c", ".py", ".cmake", ".sh", ".md", ".json"}
CLEAN_NAMES = {"CMakeLists.txt", "Makefile", "rooms.toml", "packages.txt", "run"}

FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
COPIED = re.compile(r"<!-- lines of (\S+) -->\n(.*?)<!-- end -->", re.DOTALL)
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
METRIC = re.compile(r"(?<![\w/.-])holdfast_[a-z0-9_]+(?![\w*/]|\.\w)")
SERIES_OF_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")


# --- links ---


def blank_code(text):
    """Markdown without what is shown as code, with the same lines."""
    text = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return CODE.sub(lambda match: " " * len(match.group()), text)


def anchors(text):
    """The anchors of a document's headings, the way GitHub makes them."""
    found, seen = set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text)), {}
    for match in HEADING.finditer(FENCE.sub("", text)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def check_links(root, path):
    text = blank_code(read(root / path))
    for match in LINK.finditer(text):
        target = match[1] or match[2]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        if fault := wrong_with(root, path, target):
            yield Fault(str(path), line_at(text, match.start()), fault)


def wrong_with(root, path, target):
    name, _, anchor = target.partition("#")
    base = root if name.startswith("/") else (root / path).parent
    file = base / name.lstrip("/") if name else root / path
    if not file.exists():
        return f"link to {target}: there is no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(read(file)):
        return f"link to {target}: there is no such heading"
    return None


# --- measured rows ---


def check_copied_rows(root, path):
    """Between <!-- lines of FILE --> and <!-- end --> every row of a table is a row of FILE."""
    text = read(root / path)
    for block in COPIED.finditer(text):
        source = root / block[1]
        rows = set(read(source).splitlines()) if source.is_file() else set()
        for match in re.finditer(r"^\|.*$", block[2], re.MULTILINE):
            if match[0] not in rows:
                yield Fault(str(path), line_at(text, block.start(2) + match.start()), f"this is no row of {block[1]}")


# --- rooms and metrics in documents ---


def check_rooms_in(root, document):
    """Every room has a row in a table of the document."""
    path = root / document
    if not path.is_file():
        return
    first_cells = " ".join(re.findall(r"^\|([^|\n]*)\|", read(path), re.MULTILINE))
    for room in read_rooms(root):
        if not re.search(rf"\b{room}\b", first_cells):
            yield Fault(document, 1, f"no table has a row for the room {room}")


def metrics_in_sources(root, paths):
    """Name to where it is first said."""
    found = {}
    for path in paths:
        in_room = path.parts[0] == "src" and path.name.startswith("metrics")
        if (in_room or path.parts[0] == "apps") and path.suffix == ".cc" and not path.stem.endswith("_test"):
            text = read(root / path)
            for position, literal in string_literals(text):
                if re.fullmatch(r"holdfast_[a-z0-9_]+", literal):
                    found.setdefault(literal, (str(path), line_at(text, position)))
    return found


def check_metrics(root, paths):
    made = metrics_in_sources(root, paths)
    document = root / "docs/METRICS.md"
    text = read(document) if document.is_file() else ""
    listed = {}
    for match in METRIC.finditer(text):
        listed.setdefault(match.group(), line_at(text, match.start()))
    for name, (path, line) in made.items():
        if name not in listed:
            yield Fault(path, line, f"the metric {name} is not in docs/METRICS.md")
    for name, line in listed.items():
        if name not in made and SERIES_OF_HISTOGRAM.sub("", name) not in made:
            yield Fault("docs/METRICS.md", line, f"nothing makes the metric {name}")


# --- files ---


def check_clean(root, path):
    lines = (root / path).read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.endswith((b" ", b"\t", b"\r")):
            yield Fault(str(path), number, "white space at the end of the line")
        if b"\t" in line.rstrip() and path.name != "Makefile":
            yield Fault(str(path), number, "a tab")
    if lines[-1]:
        yield Fault(str(path), len(lines), "the last line has no end")


def is_source(path):
    return path.suffix in CLEAN_SUFFIXES or path.name in CLEAN_NAMES


def all_faults(root, paths):
    for path in paths:
        if (root / path).stat().st_size > FILE_BYTES_MAX:
            yield Fault(str(path), 1, "larger than 1 MiB")
        elif is_source(path):
            yield from check_clean(root, path)
        if path.suffix == ".md":
            yield from check_links(root, path)
            yield from check_copied_rows(root, path)
    for document in ("README.md", "docs/ARCHITECTURE.md"):
        yield from check_rooms_in(root, document)
    yield from check_metrics(root, paths)


def main():
    root = arguments(__doc__).parse_args().root.resolve()
    paths = project_files(root)
    return tell(list(all_faults(root, paths)), "check_text", f"{len(paths)} files")


if __name__ == "__main__":
    sys.exit(main())
