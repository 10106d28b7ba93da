"""A strict reader of the Prometheus text format (version 0.0.4): whatever is not that format is an error."""
import re
from typing import NamedTuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_PARTS_OF_HISTOGRAM = ("_bucket", "_sum", "_count")


class Sample(NamedTuple):
    name: str
    labels: dict
    value: float


class Page:
    """Samples in the order of the page, and what each family says of itself."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line has no end"
        self.types, self.helps, self.samples = {}, {}, []
        for line in text.splitlines():
            if line.startswith("# "):
                self._read_comment(line)
            else:
                self.samples.append(_sample(line))

    def _read_comment(self, line):
        keyword, name, rest = line[2:].split(" ", 2)
        kept = {"HELP": self.helps, "TYPE": self.types}[keyword]
        assert name not in kept, f"said twice: {line}"
        kept[name] = rest

    def family_of(self, sample):
        """The name that HELP and TYPE use: a histogram's samples have suffixes."""
        for suffix in _PARTS_OF_HISTOGRAM:
            family = sample.name.removesuffix(suffix)
            if family != sample.name and self.types.get(family) == "histogram":
                return family
        return sample.name

    def matching(self, name, labels):
        return [each for each in self.samples if each.name == name and labels.items() <= each.labels.items()]

    def value(self, name, **labels):
        """The sum of the samples that have these labels; at least one must be there."""
        found = self.matching(name, labels)
        assert found, f"no sample of {name} with {labels}"
        return sum(each.value for each in found)

    def by(self, label, name, **labels):
        """{value of `label`: sum of the samples}."""
        found = {}
        for each in self.matching(name, labels):
            found[each.labels[label]] = found.get(each.labels[label], 0) + each.value
        return found


def _sample(line):
    match = _SAMPLE.match(line)
    assert match, f"not a sample: {line!r}"
    name, labels_text, value = match.groups()
    labels, position = {}, 0
    while labels_text and position < len(labels_text):
        label = _LABEL.match(labels_text, position)
        assert label, f"bad labels: {line!r}"
        assert label[1] not in labels, f"a label twice: {line!r}"
        labels[label[1]] = re.sub(r'\\["\\n]', lambda escape: _ESCAPES[escape[0]], label[2])
        position = label.end()
    return Sample(name, labels, float(value))
