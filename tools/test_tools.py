"""The tools of this folder, each fault provoked once in a small tree of its own."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

import code_report  # noqa: E402
import stages  # noqa: E402
from project import cpp_files, project_files, string_literals, without_comments_and_strings  # noqa: E402
from run_fuzzers import finding  # noqa: E402

SOUND = {
    "tools/rooms.toml": """\
        [base]
        uses = []
        [pure]
        uses = []
        pure = true
        [top]
        uses = ["pure"]
        """,
    "CMakeLists.txt": "foreach(room base pure top)\n  add_subdirectory(src/${room})\nendforeach()\n",
    "README.md": "# Holdfast\n\n| room | purpose |\n|---|---|\n| `base` | a |\n| `pure` | b |\n| `top` | c |\n",
    "docs/METRICS.md": "# Metrics\n\n| metric | meaning |\n|---|---|\n| `holdfast_up` | 1 |\n",
    "src/base/CMakeLists.txt": "room(base LIBS fmt::fmt)\n",
    "src/base/README.md": "# base\n\nGround.\n",
    "src/base/log.h": "// base/log.h: lines.\n#pragma once\nnamespace holdfast::base {}\n",
    "src/pure/CMakeLists.txt": "room(pure USES base)\n",
    "src/pure/README.md": "# pure\n\nSee [base](../base/README.md#base).\n",
    "src/pure/sum.h": "// pure/sum.h: sums.\n#pragma once\n\nnamespace holdfast::pure {\nint sum(int a, int b);\n}\n",
    "src/pure/sum.cc": '#include "pure/sum.h"\n\n#include <atomic>\n\nnamespace holdfast::pure {\n'
                       "int sum(int a, int b) { return a + b; }\n}  // namespace holdfast::pure\n",
    "src/top/CMakeLists.txt": "room(top USES pure base\n     LIBS fmt::fmt)  # both\n",
    "src/top/README.md": "# top\n",
    "src/top/metrics.cc": '#include <thread>\n\n#include "base/log.h"\n#include "pure/sum.h"\n\n'
                          'namespace other {\nclass Type;\n}\n\n'
                          'namespace holdfast::top {\nconst char* const kUp = "holdfast_up";\n}\n',
}


def dedented(text):
    return "".join(line.removeprefix("        ") for line in text.splitlines(keepends=True))


@pytest.fixture
def tree(tmp_path):
    for name, text in SOUND.items():
        write(tmp_path, name, dedented(text))
    return tmp_path


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def append(root, name, text):
    write(root, name, (root / name).read_text() + text)


def run_tool(name, root, *more):
    done = subprocess.run([sys.executable, TOOLS / f"{name}.py", "--root", root, *map(str, more)], capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def only_fault(name, root, *more):
    """The one fault that a tool finds, as its line of output."""
    status, said = run_tool(name, root, *more)
    lines = said.splitlines()
    assert status == 1 and len(lines) == 2 and lines[1].endswith("1 fault"), said
    return lines[0]


@pytest.mark.parametrize("name", ["check_rooms", "check_text", "check_conformance"])
def test_a_sound_tree_has_no_fault(tree, name):
    status, said = run_tool(name, tree)
    assert status == 0 and said.endswith(" 0 faults\n"), said


@pytest.mark.parametrize("name", ["check_rooms", "check_headers", "check_format", "check_text", "check_conformance", "run_tests",
                                  "run_fuzzers"])
def test_every_tool_tells_what_it_is_for(name):
    done = subprocess.run([TOOLS / f"{name}.py", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "usage:" in done.stdout


# What is appended to a file (or the whole of a new one), and the fault that follows.
ROOM_FAULTS = {
    "undeclared include": ("src/pure/sum.cc", '#include "top/new.h"\n',
                           "src/pure/sum.cc:8: pure may not use top (top/new.h)"),
    "undeclared include in a test": ("src/pure/sum_test.cc", '\n#include "top/new.h"\n',
                                     "src/pure/sum_test.cc:2: pure may not use top (top/new.h)"),
    "undeclared include in a fuzzer": ("src/base/x_fuzz.cc", '#include "pure/sum.h"\n',
                                       "src/base/x_fuzz.cc:1: base may not use pure (pure/sum.h)"),
    "include of nothing": ("src/top/x.cc", '#include "sum.h"\n', 'src/top/x.cc:1: "sum.h" is not a file of src/'),
    "cmake has more": ("src/base/CMakeLists.txt", "room(base USES pure)\n",
                       "src/base/CMakeLists.txt:1: USES pure, which tools/rooms.toml does not allow base"),
    "cmake has less": ("src/top/CMakeLists.txt", "room(top USES base)\n",
                       "src/top/CMakeLists.txt:1: USES lacks pure, which tools/rooms.toml gives top"),
    "cmake has another name": ("src/base/CMakeLists.txt", "\nroom(bass)\n",
                               "src/base/CMakeLists.txt:2: room(bass) in the folder of base"),
    "cmake has no room": ("src/base/CMakeLists.txt", "# room(base)\n",
                          "src/base/CMakeLists.txt:1: no call of room(base ...)"),
    "not built": ("CMakeLists.txt", "foreach(room base pure)\n", "CMakeLists.txt:1: src/top is not built"),
    "cycle": ("tools/rooms.toml", '[base]\n[pure]\nuses = ["top"]\n[top]\nuses = ["pure"]\n',
              "tools/rooms.toml:2: cycle: pure -> top -> pure"),
    "use of no room": ("tools/rooms.toml", '[base]\nuses = ["wire"]\n[pure]\npure = true\n[top]\nuses = ["pure"]\n',
                       "tools/rooms.toml:1: base uses wire, which is not a room"),
    "pure uses impure": ("tools/rooms.toml", '[base]\n[top]\n[pure]\npure = true\nuses = ["top"]\n',
                         "tools/rooms.toml:3: pure is pure but uses top, which is not"),
    "pure and the system": ("src/pure/a.cc", "// <poll.h>\n#include <sys/epoll.h>\n",
                            "src/pure/a.cc:2: pure is pure: it may not include sys/epoll.h"),
    "pure and threads": ("src/pure/a.cc", "#include <thread>\n",
                         "src/pure/a.cc:1: pure is pure: it may not include thread"),
    "pure and streams": ("src/pure/a.cc", "#include <iostream>\n",
                         "src/pure/a.cc:1: pure is pure: it may not include iostream"),
    "pure and the log": ("src/pure/a.cc", '#include "base/log.h"\n',
                         "src/pure/a.cc:1: pure is pure: it may not include base/log.h"),
    "pure and spdlog": ("src/pure/a.cc", "#include <spdlog/spdlog.h>\n",
                        "src/pure/a.cc:1: pure is pure: it may not include spdlog/spdlog.h"),
    "pure and the clock": ("src/pure/a.cc", "int a = 1'000;  // '\nauto b = std::chrono::steady_clock::now();\n",
                           "src/pure/a.cc:2: pure is pure: it may not ask the clock (steady_clock::now)"),
    "long readme": ("src/base/README.md", "# base\n" + "line\n" * 30,
                    "src/base/README.md:31: 31 lines; a room's README has at most 30"),
    "readme of another": ("src/base/README.md", "# bass\n", 'src/base/README.md:1: the first line must be "# base"'),
    "header without purpose": ("src/base/log.h", "// log.h: lines\n#pragma once\n",
                               'src/base/log.h:1: the first line must be "// base/log.h: purpose"'),
    "header without guard": ("src/base/log.h", "// base/log.h: lines.\n", "src/base/log.h:1: no #pragma once"),
    "foreign namespace": ("src/base/a.cc", "namespace holdfast::top { int x; }\n",
                          "src/base/a.cc:1: namespace holdfast::top instead of holdfast::base"),
    "namespace of the program": ("apps/holdfast/a.cc", "namespace app { int x; }\n",
                                 "apps/holdfast/a.cc:1: namespace app instead of holdfast::app"),
    "unknown folder": ("src/new/x.txt", "", "src/new:1: this folder is not in tools/rooms.toml"),
    "source in no room": ("src/a.cc", "", "src/a.cc:1: a source outside any room"),
}
APPENDED = {"undeclared include"}
TABLE_FAULTS = {"cycle", "use of no room", "pure uses impure"}  # CMake then differs from the table as well


@pytest.mark.parametrize("case", ROOM_FAULTS)
def test_check_rooms_finds(tree, case):
    name, text, fault = ROOM_FAULTS[case]
    if case in ("undeclared include", "undeclared include in a test"):
        write(tree, "src/top/new.h", "// top/new.h: new.\n#pragma once\n")
    (append if case in APPENDED else write)(tree, name, text)
    if case in TABLE_FAULTS:
        status, said = run_tool("check_rooms", tree)
        assert status == 1 and fault in said.splitlines()
    else:
        assert only_fault("check_rooms", tree) == fault


@pytest.mark.parametrize(("gone", "fault"), [
    ("src/base/README.md", "src/base:1: the room has no README.md"),
    ("src/base/CMakeLists.txt", "src/base:1: the room has no CMakeLists.txt"),
])
def test_check_rooms_misses_the_furniture(tree, gone, fault):
    (tree / gone).unlink()
    assert only_fault("check_rooms", tree) == fault


def test_a_test_of_a_pure_room_may_use_threads(tree):
    write(tree, "src/pure/sum_test.cc", "#include <thread>\n")
    assert run_tool("check_rooms", tree)[0] == 0


PURE_FOLDER_FAULTS = {
    "the system": ("#include <poll.h>\n", "top/core is pure: it may not include poll.h"),
    "the log": ('#include "base/log.h"\n', "top/core is pure: it may not include base/log.h"),
    "the clock": ("auto a = std::chrono::steady_clock::now();\n",
                  "top/core is pure: it may not ask the clock (steady_clock::now)"),
    "the room around it": ('#include "top/a.h"\n', "top/core is pure: it may not use top/a.h, which is not"),
    "a room that is not pure": ('#include "side/a.h"\n', "top/core is pure: it may not use side/a.h, which is not"),
}


@pytest.fixture
def tree_with_pure_folder(tree):
    rooms = (tree / "tools/rooms.toml").read_text().replace('uses = ["pure"]', 'uses = ["pure", "side"]')
    write(tree, "tools/rooms.toml", rooms + 'pure_folders = ["core"]\n[side]\n')
    write(tree, "CMakeLists.txt", "foreach(room base pure top side)\n")
    write(tree, "src/top/CMakeLists.txt", "room(top USES pure side)\n")
    write(tree, "src/side/CMakeLists.txt", "room(side)\n")
    write(tree, "src/side/README.md", "# side\n")
    for header in ("top/a.h", "top/core/b.h", "side/a.h", "base/c.h"):
        write(tree, f"src/{header}", f"// {header}: a header.\n#pragma once\n")
    write(tree, "src/top/core/a.cc", '#include <vector>\n#include "base/c.h"\n#include "pure/sum.h"\n#include "top/core/b.h"\n')
    write(tree, "src/top/a.cc", '#include <poll.h>\n#include "base/log.h"\n#include "top/core/b.h"\n')
    return tree


def test_a_pure_folder_may_use_what_is_pure_and_its_room_may_use_it(tree_with_pure_folder):
    assert run_tool("check_rooms", tree_with_pure_folder)[0] == 0


@pytest.mark.parametrize("case", PURE_FOLDER_FAULTS)
def test_check_rooms_finds_in_a_pure_folder(tree_with_pure_folder, case):
    text, fault = PURE_FOLDER_FAULTS[case]
    append(tree_with_pure_folder, "src/top/core/a.cc", text)
    assert only_fault("check_rooms", tree_with_pure_folder) == f"src/top/core/a.cc:5: {fault}"


def test_check_rooms_misses_a_pure_folder(tree_with_pure_folder):
    shutil.rmtree(tree_with_pure_folder / "src/top/core")
    write(tree_with_pure_folder, "src/top/a.cc", "")
    assert only_fault("check_rooms", tree_with_pure_folder).endswith("there is no folder src/top/core")


def test_check_rooms_misses_a_folder(tree):
    shutil.rmtree(tree / "src/top")
    assert only_fault("check_rooms", tree) == "tools/rooms.toml:6: there is no folder src/top"


TEXT_FAULTS = {
    "link to no file": ("docs/a.md", "# A\n\n[b](b.md)\n", "docs/a.md:3: link to b.md: there is no such file"),
    "link to no heading": ("docs/a.md", "# A\n[r](../README.md#hold)\n",
                           "docs/a.md:2: link to ../README.md#hold: there is no such heading"),
    "reference to no file": ("docs/a.md", "# A\n\n[b]: b.md\n", "docs/a.md:3: link to b.md: there is no such file"),
    "room not in the readme": ("README.md", "| `base` | x |\n| pure | top |\n",
                               "README.md:1: no table has a row for the room top"),
    "room not in the design": ("docs/ARCHITECTURE.md", "| `base` |\n| `pure` |\n",
                               "docs/ARCHITECTURE.md:1: no table has a row for the room top"),
    "metric not documented": ("apps/holdfast/a.cc", 'f("holdfast_new_total");\n',
                              "apps/holdfast/a.cc:1: the metric holdfast_new_total is not in docs/METRICS.md"),
    "metric not made": ("docs/METRICS.md", "`holdfast_up`\n`holdfast_up_sum`\n`holdfast_gone`\n",
                        "docs/METRICS.md:3: nothing makes the metric holdfast_gone"),
    "tab": ("src/base/a.cc", "int a;\n\tint b;\n", "src/base/a.cc:2: a tab"),
    "space at the end": ("src/base/a.cc", "int a; \n", "src/base/a.cc:1: white space at the end of the line"),
    "carriage return": ("src/base/a.cc", "int a;\r\n", "src/base/a.cc:1: white space at the end of the line"),
    "no last line end": ("src/base/a.cc", "int a;\nint b;", "src/base/a.cc:2: the last line has no end"),
    "large file": ("bench/a.bin", b"x" * ((1 << 20) + 1), "bench/a.bin:1: larger than 1 MiB"),
}


@pytest.mark.parametrize("case", TEXT_FAULTS)
def test_check_text_finds(tree, case):
    name, text, fault = TEXT_FAULTS[case]
    write(tree, name, text)
    assert only_fault("check_text", tree) == fault


def test_links_that_lead_somewhere_are_no_fault(tree):
    write(tree, "docs/a.md", "# `A` b: c!\n# x\n# x\n[1](#a-b-c) [2](#x-1) [3](https://a.b/c) [4](../src/)\n"
                             "`[5](no.md)`\n```\n[6](no.md)\n# not a heading\n```\n")
    assert run_tool("check_text", tree)[0] == 0


def test_rows_that_are_copied_stay_those_of_their_source(tree):
    write(tree, "bench/a.md", "| a | 1 |\n| b | 2 |\n")
    write(tree, "docs/b.md", "<!-- lines of bench/a.md -->\n| b | 2 |\n<!-- end -->\n")
    assert run_tool("check_text", tree)[0] == 0
    write(tree, "docs/b.md", "<!-- lines of bench/a.md -->\n| b | 3 |\n<!-- end -->\n")
    assert only_fault("check_text", tree) == "docs/b.md:2: this is no row of bench/a.md"


CONFORMANCE = {
    "docs/conformance/mqtt-5.0.toml": """\
        # Head.

        ["MQTT-1.5.4-1"]
        who = "both"
        says = "Text."
        tests = ["Text.IsText"]

        ["MQTT-3.1.2-24"]
        who = "server"
        says = "Small."
        reason = "Nobody can see it."

        ["MQTT-3.1.2-20"]
        who = "client"
        says = "Ping."
        """,
    "docs/conformance/mqtt-3.1.1.toml": """\
        ["MQTT-3-8.3-4"]
        who = "server"
        says = "Options."
        also = ["MQTT-3.8.3-4"]
        tests = ["test_a.py::test_options"]
        """,
    "src/pure/text_test.cc": "//= MQTT5 [MQTT-1.5.4-1] type=test\nTEST(Text, IsText) {}\n",
    "src/pure/text.cc": "//= MQTT5 [MQTT-1.5.4-1]\n//= MQTT311 [MQTT-3.8.3-4]\n",
    "tests/blackbox/test_a.py": "# MQTT311 [MQTT-3.8.3-4]\ndef test_options():\n    pass\n",
}


@pytest.fixture
def standards(tree):
    for name, text in CONFORMANCE.items():
        write(tree, name, dedented(text))
    return tree


def test_check_conformance_counts_what_is_covered(standards):
    assert run_tool("check_conformance", standards) == (
        0, "check_conformance: 4 statements, 2 covered, 2 with a reason, 0 faults\n")


@pytest.mark.parametrize(("name", "text", "want"), [
    ("src/pure/a.cc", "//= MQTT5 [MQTT-9.9.9-9]\n", "src/pure/a.cc:1: MQTT5 has no statement [MQTT-9.9.9-9]"),
    ("src/pure/a.cc", 'const char* a = "MQTT311 [MQTT-1.5.4-1]";\n',
     "src/pure/a.cc:1: MQTT311 has no statement [MQTT-1.5.4-1]"),
    ("src/pure/a.cc", "//= MQTT5 [MQTT-3.1.2-24] to [MQTT-3.1.2-25]\n",
     "src/pure/a.cc:1: MQTT5 has no statement [MQTT-3.1.2-25]"),
    ("tests/blackbox/test_b.py", "\n# MQTT5 [MQTT-1.5.4-1]\n",
     "tests/blackbox/test_b.py:2: no test follows that this could be about"),
    ("src/pure/b_test.cc", "//= MQTT5 [MQTT-3.1.2-24] type=test\nTEST_F(Size, IsSmall) {}\n",
     "docs/conformance/mqtt-5.0.toml:8: MQTT-3.1.2-24: Size.IsSmall covers it, and is not listed (--write)"),
    ("src/pure/text_test.cc", "",
     "docs/conformance/mqtt-5.0.toml:3: MQTT-1.5.4-1: there is no test Text.IsText"),
    ("docs/conformance/mqtt-3.1.1.toml", '["MQTT-3-8.3-4"]\nwho = "server"\nsays = "a"\nalso = ["MQTT-3.8.3-4"]\n'
     'tests = ["test_a.py::test_options"]\n["MQTT-1-1"]\nwho = "both"\nsays = "b"\n',
     "docs/conformance/mqtt-3.1.1.toml:6: MQTT-1-1: it has neither a test nor a reason why there is none"),
    ("docs/conformance/mqtt-3.1.1.toml", '["MQTT-3-8.3-4"]\nwho = "me"\nsays = "a"\nalso = ["MQTT-3.8.3-4"]\n'
     'tests = ["test_a.py::test_options"]\n',
     "docs/conformance/mqtt-3.1.1.toml:1: MQTT-3-8.3-4: it has to say who (server, client, both) and what, and nothing "
     "unknown"),
])
def test_check_conformance_finds(standards, name, text, want):
    write(standards, name, text)
    assert only_fault("check_conformance", standards) == want


def test_check_conformance_writes_what_the_tests_say(standards):
    write(standards, "src/pure/b_test.cc", "//= MQTT5 [MQTT-3.1.2-24] type=test\nTEST_P(Size, IsSmall) {}\n")
    write(standards, "src/pure/text_test.cc", "//= MQTT5 [MQTT-1.5.4-1] type=test\nTEST(Text, IsStillText) {}\n")
    assert run_tool("check_conformance", standards, "--write")[0] == 0
    table = (standards / "docs/conformance/mqtt-5.0.toml").read_text()
    assert table.startswith("# Head.\n") and 'tests = ["Text.IsStillText"]' in table
    assert 'tests = ["Size.IsSmall"]\nreason = "Nobody can see it."' in table
    assert run_tool("check_conformance", standards, "--write")[0] == 0
    assert (standards / "docs/conformance/mqtt-5.0.toml").read_text() == table


def with_compile_commands(tree, room):
    command = f"g++ -I{tree}/src -Wall -Werror -std=c++20 -include pch.hxx -o a.o -c {tree}/src/{room}/sum.cc"
    entry = {"directory": str(tree), "command": command, "file": f"{tree}/src/{room}/sum.cc"}
    write(tree, "build/compile_commands.json", json.dumps([entry]))


def test_check_headers_compiles_each_alone_and_remembers(tree):
    shutil.rmtree(tree / "src/base")
    with_compile_commands(tree, "pure")
    assert "1 headers, 1 compiled, 0 faults" in run_tool("check_headers", tree)[1]
    assert "1 headers, 0 compiled, 0 faults" in run_tool("check_headers", tree)[1]
    write(tree, "src/pure/text.h", "// pure/text.h: text.\n#pragma once\nstd::string text();\n")
    append(tree, "src/pure/sum.h", '#include "pure/text.h"\n')
    status, said = run_tool("check_headers", tree)
    assert status == 1 and "src/pure/text.h:1: does not compile alone" in said and "2 compiled, 2 faults" in said
    write(tree, "src/pure/text.h", "// pure/text.h: text.\n#pragma once\n#include <string>\nstd::string text();\n")
    assert "2 headers, 2 compiled, 0 faults" in run_tool("check_headers", tree)[1]


def test_check_headers_uses_the_warnings_of_the_build(tree):
    shutil.rmtree(tree / "src/base")
    with_compile_commands(tree, "pure")
    append(tree, "src/pure/sum.h", "inline int twice(int a) { int unused; return 2 * a; }\n")
    assert "unused" in run_tool("check_headers", tree)[1]


def test_check_headers_tells_what_it_cannot_judge(tree):
    status, said = run_tool("check_headers", tree)
    assert status == 1 and "configure the build first" in said
    with_compile_commands(tree, "pure")
    status, said = run_tool("check_headers", tree, "--seconds", 0)
    assert status == 1 and "src/pure/sum.h:1: does not compile alone:\nnot compiled in the time there was" in said
    assert "src/base/log.h:1: nothing of its folder is built" in said


@pytest.mark.skipif(shutil.which("clang-format") is None, reason="clang-format is not installed")
def test_check_format_finds_what_clang_format_would_change(tree):
    for path in tree.rglob("*.cc"):
        path.unlink()
    for path in tree.rglob("*.h"):
        path.unlink()
    write(tree, ".clang-format", "BasedOnStyle: Google\n")
    write(tree, "src/base/a.cc", "int a = 1;\n")
    assert run_tool("check_format", tree) == (0, "check_format: 1 files, 0 not formatted\n")
    write(tree, "src/base/b.cc", "int  b=1;\n")
    status, said = run_tool("check_format", tree)
    assert status == 1 and said.endswith("check_format: 2 files, 1 not formatted\n  src/base/b.cc\n")
    assert run_tool("check_format", tree, "--fix")[0] == 0
    assert (tree / "src/base/b.cc").read_text() == "int b = 1;\n"


def test_comments_and_strings_are_told_from_code():
    code = 'a("//", \'"\', 1\'000, R"x(")x"); /* b */ c; // d\n#include "e/f.h"\n'
    left = without_comments_and_strings(code)
    assert len(left) == len(code) and left.split() == ["a(", ",", ",", "1'000,", ");", "c;", "#include", '"e/f.h"']
    assert [text for _, text in string_literals('// "no"\nf("yes", R"(raw)");\n')] == ["yes"]


FUNCTIONS = """\
namespace a {
struct B : C {
  B() : x_{1}, y_(2) {
    run();
  }
  int x_{0};
};
const int kTable[] = {
    1, 2,
};
template <typename T>
Result<T> get(T value = {}) const noexcept {
  for (;;) { each([&](int i) {
      if (i) return;
    });
  }
}
bool operator==(const B&, const B&) { return true; }
}
"""


def test_the_report_measures_functions(tree):
    sizes = {size.name: size.lines for size in code_report.function_sizes("f.cc", FUNCTIONS)}
    assert sizes == {"f.cc:3": 3, "f.cc:11": 7, "f.cc:18": 1}
    assert "product code of src and apps: 4 files" in run_tool("check_rooms", tree, "--report")[1]


def test_files_are_those_of_git_where_there_is_git(tree):
    write(tree, "build-asan/x.cc", "")
    without = project_files(tree)
    assert Path("build-asan/x.cc") not in without and Path("src/pure/sum.cc") in without
    write(tree, ".gitignore", "/build-*/\n/docs/\n")
    subprocess.run(["git", "init", "-q", tree], check=True, capture_output=True)
    assert set(without) - set(project_files(tree)) == {Path("docs/METRICS.md")}
    assert len(cpp_files(tree)) == 4


JUNIT = """<testsuite><testcase name="a" status="run"/><testcase name="b" status="fail"><failure/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d" status="notrun"><skipped/></testcase></testsuite>"""


def test_a_stage_counts_what_its_report_says(tmp_path):
    write(tmp_path, "a.xml", JUNIT)
    assert stages.read_junit(tmp_path / "a.xml") == stages.Counts(1, 1, 2)
    write(tmp_path, "a.xml", "<testsuite")
    assert stages.read_junit(tmp_path / "a.xml") is None and stages.read_junit(tmp_path / "none.xml") is None


@pytest.mark.parametrize(("status", "counts", "want"), [
    (0, (3, 0, 0), (3, 0, 0)),
    (1, (2, 1, 0), (2, 1, 0)),
    (1, (3, 0, 0), (3, 1, 0)),     # died at its end, after all had passed
    (None, (3, 0, 0), (3, 1, 0)),  # took too long
    (None, None, (0, 1, 0)),
    (2, None, (0, 1, 0)),          # could not run at all
    (0, (0, 0, 0), (0, 1, 0)),     # a selection that selects nothing is a mistake
])
def test_what_could_not_run_counts_as_a_failure(status, counts, want):
    counts = stages.Counts(*counts) if counts else None
    assert stages.judged(status, counts)[0] == stages.Counts(*want)


def test_stages_go_on_after_a_failure_and_end_with_one_line(capsys):
    def missing():
        raise FileNotFoundError("ctest")

    runner = stages.Stages()
    assert not runner.stage("one", missing)
    assert runner.stage("two", lambda: (stages.Counts(5, 0, 1), ""))
    assert runner.finish() == 1
    said = capsys.readouterr().out
    assert "could not run: ctest" in said and said.splitlines()[-1] == "5 passed, 1 failed, 1 skipped"


def test_lines_may_be_hidden(tmp_path, capfd):
    assert stages.run(["sh", "-c", "echo a1; echo b; echo a2; exit 3"], 60, tmp_path, hidden=re.compile("a")) == 3
    assert capfd.readouterr().out.splitlines()[1:] == ["b"]


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path):
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    assert stages.run(["sh", "-c", script], 0.5, tmp_path) is None
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


@pytest.mark.parametrize(("status", "text", "want"), [
    (0, "", ""),
    (None, "", "did not stop in time"),
    (77, "==1==ERROR: AddressSanitizer: heap-use-after-free on x\n", "AddressSanitizer: heap-use-after-free on x"),
    (1, "a.cc:1: runtime error: signed integer overflow\n", "signed integer overflow"),
    (1, "", "exit status 1"),
])
def test_a_fuzzer_s_finding_is_named(status, text, want):
    assert finding(status, text) == want
