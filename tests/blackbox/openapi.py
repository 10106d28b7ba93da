"""docs/openapi.yaml as the tests use it: its operations, and whether an answer is what it says."""
from typing import NamedTuple

import yaml

from environment import REPOSITORY

METHODS = ("get", "post", "patch", "delete", "put", "head", "options")


class Operation(NamedTuple):
    path: str
    method: str
    about: dict
    parameters: list

    def __str__(self):
        return f"{self.method.upper()} {self.path}"


class OpenApi:
    def __init__(self, file=REPOSITORY / "docs" / "openapi.yaml"):
        self.document = yaml.safe_load(file.read_text())

    def operations(self):
        found = []
        for path, item in self.document["paths"].items():
            shared = item.get("parameters", [])
            found += [Operation(path, method, item[method],
                                [self.resolved(each) for each in [*shared, *item[method].get("parameters", [])]])
                      for method in METHODS if method in item]
        return found

    def operation(self, method, path):
        return next(each for each in self.operations() if (each.method, each.path) == (method.lower(), path))

    def resolved(self, node):
        """What a reference stands for; anything else is itself."""
        while "$ref" in node:
            target = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = target
        return node

    def validator(self, schema):
        import jsonschema  # pylint: disable=import-outside-toplevel
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema,
                 "components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole)

    def faults(self, schema, value):
        return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}"
                for each in self.validator(schema).iter_errors(value)]

    def check_answer(self, operation, answer):
        """That the file has this status for the operation, with this content type and such a body."""
        responses = operation.about["responses"]
        assert str(answer.status) in responses, f"{operation}: {answer} is not in the file"
        content = self.resolved(responses[str(answer.status)]).get("content", {})
        if not content:
            assert answer.body == "", f"{operation}: {answer}"
            return
        media_type = answer.content_type.split(";")[0]
        assert media_type in content, f"{operation}: {answer.content_type} instead of {list(content)}"
        if media_type.endswith("json"):
            faults = self.faults(content[media_type]["schema"], answer.json())
            assert not faults, f"{operation}: {faults} in {answer.body}"

    def schemas(self):
        """Every schema of the file, with where it is: also those within others."""
        return list(_schemas("", self.document))

    def examples(self):
        """(where, schema, value) of everything that the file shows of bodies."""
        for where, node in _nodes("", self.document):
            if isinstance(node, dict) and "schema" in node and where.endswith("json"):
                shown = [node["example"]] if "example" in node else []
                shown += [each["value"] for each in node.get("examples", {}).values()]
                yield from ((where, node["schema"], value) for value in shown)
            if isinstance(node, dict) and isinstance(node.get("examples"), list):
                yield from ((where, {key: value for key, value in node.items()}, value) for value in node["examples"])


def _nodes(where, node):
    yield where, node
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    for key, value in inner:
        yield from _nodes(f"{where}/{key}", value)


def _schemas(where, document):
    for place, node in _nodes(where, document):
        if isinstance(node, dict) and node.get("type") == "object":
            yield place, node
