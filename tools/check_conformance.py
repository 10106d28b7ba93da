#!/usr/bin/python3
"""Holds docs/conformance against the code: every statement of the MQTT standards that concerns a server has a test, or
a reason why it has none.

The tables have a table for each statement: who it concerns, what it says, the tests. A test says which statements it
covers in a comment before it, `//= MQTT5 [MQTT-3.1.2-24] type=test` or `# MQTT5 [MQTT-3.1.2-24]`; --write puts what the
tests say into the tables, and takes out what is no test any more.
"""
import json
import re
import sys
import tomllib

from project import Fault, arguments, line_at, project_files, read, tell

TABLES = {"MQTT5": "docs/conformance/mqtt-5.0.toml", "MQTT311": "docs/conformance/mqtt-3.1.1.toml"}
WHO = ("server", "client", "both")
KEYS = {"who", "says", "also", "tests", "reason"}

CITATION = re.compile(r"\b(MQTT5|MQTT311)((?:[ \t]*(?:,|to)?[ \t]*\[[^\]\n]*\])+)([ \t]+type=test)?")
IDENTIFIER = re.compile(r"\[([^\]]*)\]")
GTEST = re.compile(r"^[ \t]*TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
PYTEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


class Table:
    """The statements of one standard, by identifier."""

    def __init__(self, root, path):
        self.path, self.file = path, root / path
        self.text = read(self.file) if self.file.is_file() else ""
        self.statements = tomllib.loads(self.text)
        # Spellings that the standard itself would have used, had it been spelt with more care.
        self.same = {other: name for name, entry in self.statements.items() for other in entry.get("also", [])}

    def find(self, name):
        """The identifier as the table has it; None where it has none."""
        name = self.same.get(name, name)
        return name if name in self.statements else None

    def fault(self, name, text):
        return Fault(self.path, line_at(self.text, max(0, self.text.find(f'["{name}"]'))), f"{name}: {text}")


class Sources:
    """What the sources say: citations, tests, and which test covers which statement."""

    def __init__(self, root):
        self.citations, self.tests, self.covers, self.faults = [], set(), {}, []
        for path in project_files(root):
            if path.suffix in (".cc", ".h") and path.parts[0] in ("src", "apps"):
                self._read(path, read(root / path), GTEST, lambda match: f"{match[1]}.{match[2]}")
            elif path.suffix == ".py" and path.parts[0] == "tests":
                self._read(path, read(root / path), PYTEST, lambda match, path=path: f"{path.name}::{match[1]}")

    def _read(self, path, text, test, name_of):
        tests = [(match.start(), name_of(match)) for match in test.finditer(text)]
        self.tests.update(name for _, name in tests)
        for match in CITATION.finditer(text):
            line = line_at(text, match.start())
            is_test = match[3] or (test is PYTEST and path.name.startswith("test_"))
            following = next((name for start, name in tests if start > match.start()), None)
            if is_test and following is None:
                self.faults.append(Fault(str(path), line, "no test follows that this could be about"))
            for name in IDENTIFIER.findall(match[2]):
                self.citations.append((str(path), line, match[1], name))
                if is_test and following:
                    self.covers.setdefault((match[1], name), set()).add(following)


def covering(table, standard, sources):
    """{identifier: the tests that say they cover it}, whatever spelling they use."""
    found = {}
    for (its_standard, name), tests in sources.covers.items():
        if its_standard == standard and table.find(name):
            found.setdefault(table.find(name), set()).update(tests)
    return found


def check_citations(tables, sources):
    for path, line, standard, name in sources.citations:
        if tables[standard].find(name) is None:
            yield Fault(path, line, f"{standard} has no statement [{name}]")


def check_table(table, standard, sources):
    said = covering(table, standard, sources)
    for name, entry in table.statements.items():
        if set(entry) - KEYS or entry.get("who") not in WHO or not entry.get("says"):
            yield table.fault(name, "it has to say who (server, client, both) and what, and nothing unknown")
        listed = entry.get("tests", [])
        for test in listed:
            if test not in sources.tests:
                yield table.fault(name, f"there is no test {test}")
        for test in sorted(said.get(name, set()) - set(listed)):
            yield table.fault(name, f"{test} covers it, and is not listed (--write)")
        if entry.get("who") != "client" and not listed and not entry.get("reason"):
            yield table.fault(name, "it has neither a test nor a reason why there is none")


def write(table, standard, sources):
    """The table again, with the tests as they are now. What stands before the first statement stays."""
    said = covering(table, standard, sources)
    parts = [table.text[:table.text.find('["')].rstrip("\n") + "\n"]
    for name, entry in table.statements.items():
        tests = [each for each in entry.get("tests", []) if each in sources.tests]
        entry = {**entry, "tests": sorted({*tests, *said.get(name, set())})}
        lines = [f'["{name}"]'] + [f"{key} = {quoted(entry[key])}" for key in ("who", "says", "also", "tests", "reason")
                                   if entry.get(key)]
        parts.append("\n".join(lines) + "\n")
    table.file.write_text("\n".join(parts), encoding="utf-8")


def quoted(value):
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if len(value) == 1:
        return f"[{quoted(value[0])}]"
    return "[\n" + "".join(f"  {quoted(each)},\n" for each in value) + "]"


def main():
    parser = arguments(__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="put what the tests say they cover into the tables")
    options = parser.parse_args()
    root = options.root.resolve()
    sources = Sources(root)
    tables = {standard: Table(root, path) for standard, path in TABLES.items()}
    if options.write:
        for standard, table in tables.items():
            write(table, standard, sources)
        tables = {standard: Table(root, path) for standard, path in TABLES.items()}
    faults = [*sources.faults, *check_citations(tables, sources)]
    for standard, table in tables.items():
        faults += check_table(table, standard, sources)
    entries = [entry for table in tables.values() for entry in table.statements.values()]
    covered = sum(bool(entry.get("tests")) for entry in entries)
    return tell(faults, "check_conformance", f"{len(entries)} statements, {covered} covered, "
                                             f"{len(entries) - covered} with a reason")


if __name__ == "__main__":
    sys.exit(main())
