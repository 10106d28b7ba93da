"""holdfast.toml(5): what man(1) and its like make of the page that the program prints."""
import shutil
import subprocess

import pytest

from environment import REPOSITORY

# Each says what it does not like on stderr, and prints nothing else.
READERS = {
    "groff": ["groff", "-man", "-Tutf8", "-ww", "-z", "-"],
    "man": ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"],
    "mandoc": ["mandoc", "-T", "lint", "-W", "warning"],
}
# What mandoc alone finds fault with: that a page has no date, which would make two builds differ.
ACCEPTED = ("missing date",)


@pytest.fixture
def page(holdfast):
    printed = holdfast("check", "--man")
    assert printed.returncode == 0 and printed.stderr == ""
    return printed.stdout


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_of_manual_pages_has_nothing_to_say(page, reader):
    if shutil.which(reader) is None:
        pytest.skip(f"{reader} is not installed")
    result = subprocess.run(READERS[reader], input=page, capture_output=True, text=True, timeout=60)
    said = (result.stderr + (result.stdout if reader == "mandoc" else "")).splitlines()
    assert [line for line in said if not any(each in line for each in ACCEPTED)] == []


def test_the_page_shows_keys_as_a_person_reads_them(page):
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-rLL=200n", "-"], input=page, capture_output=True,
                           text=True, timeout=60, check=True).stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert "[[pool.server]]" in lines
    assert 'Duration. Default: "3h". Range: 0s, or 10ms to 1d. Reload: live.' in lines
    assert 'idle_timeout = "1h30m"' in lines


def test_both_references_come_from_one_program(holdfast):
    assert holdfast("check", "--reference").stdout == (REPOSITORY / "docs" / "CONFIGURATION.md").read_text()
    both = holdfast("check", "--reference", "--man")
    assert both.returncode == 2 and "excludes" in both.stderr
