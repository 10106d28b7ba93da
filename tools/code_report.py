"""Sizes of files and functions and the share of comments, for check_rooms.py --report. Measured, not enforced."""
import re
import statistics
from dataclasses import dataclass

from project import TOKEN, cpp_files, line_at, read, without_comments_and_strings

NOT_A_FUNCTION = re.compile(r"\b(?:namespace|class|struct|union|enum|if|for|while|switch|catch|extern|do|else|try)\b")
PARAMETERS_THEN_REST = re.compile(r"\)(?:[^=]|==|<=|>=|!=)*$", re.DOTALL)


@dataclass(frozen=True)
class Size:
    lines: int
    name: str


def print_report(root):
    paths = cpp_files(root)
    tests = [path for path in paths if path.stem.endswith(("_test", "_fuzz"))]
    product = [path for path in paths if path not in tests]
    for title, group in (("product code of src and apps", product), ("unit tests and fuzzers", tests)):
        print_group(title, {path: read(root / path) for path in group})


def print_group(title, texts):
    lines = sum(text.count("\n") for text in texts.values())
    comments = sum(comment_lines(text) for text in texts.values())
    share = 100 * comments / lines if lines else 0
    print(f"\n{title}: {len(texts)} files, {lines} lines, {share:.0f} % of them with comments")
    print_sizes("files", [Size(text.count("\n"), str(path)) for path, text in texts.items()], 5)
    print_sizes("functions", [size for path, text in texts.items() for size in function_sizes(path, text)], 10)


def print_sizes(what, sizes, largest):
    if not sizes:
        return
    ordered = sorted(sizes, key=lambda size: size.lines)
    middle = statistics.median(size.lines for size in ordered)
    ninety = ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)].lines
    print(f"  {len(ordered)} {what}: median {middle:.0f} lines, 90th percentile {ninety}, largest:")
    for size in ordered[:-largest - 1:-1]:
        print(f"    {size.lines:5}  {size.name}")


def comment_lines(text):
    """How many lines have a comment on them, alone or after code."""
    found = set()
    for match in TOKEN.finditer(text):
        if match["comment"]:
            first = line_at(text, match.start())
            found.update(range(first, first + match.group().count("\n") + 1))
    return len(found)


def function_sizes(path, text):
    """From a function's signature to its closing brace, told by braces alone; lambdas belong to their function."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()),
                  without_comments_and_strings(text), flags=re.MULTILINE)
    statement = position = parentheses = 0
    while position < len(code):
        char = code[position]
        parentheses += (char == "(") - (char == ")")
        if char == "{" and parentheses == 0 and is_function(code[statement:position]):
            end = matching_brace(code, position)
            position = end
            if not re.match(r"\s*[,{]", code[end + 1:end + 200]):  # else it was an initialiser: the body is yet to come
                yield size_of(path, code, statement, end)
                statement = end + 1
        elif char in "{};" and parentheses == 0 or char == ":" and is_access(code, statement, position):
            statement = position + 1
        position += 1


def is_function(signature):
    plain = re.sub(r"<[^<>]*>", "", signature)
    return bool(PARAMETERS_THEN_REST.search(signature)) and not NOT_A_FUNCTION.search(plain)


def is_access(code, statement, position):
    return code[statement:position].strip() in ("public", "private", "protected")


def matching_brace(code, opening):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def size_of(path, code, start, end):
    start += len(code[start:]) - len(code[start:].lstrip())
    first = line_at(code, start)
    return Size(line_at(code, end) - first + 1, f"{path}:{first}")
