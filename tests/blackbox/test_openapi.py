"""docs/openapi.yaml against a live process, both ways: all that the file says is so, and there is nothing else."""
import re

import pytest

from configuration import config
from mqtt_client import Client as MqttClient
from openapi import OpenApi

pytest.importorskip("jsonschema")

API = OpenApi()
OPERATIONS = {str(each): each for each in API.operations()}
ENDLESS = {"GET /v1/events"}


@pytest.fixture
def gateway(run, echo_backend):
    servers = [echo_backend("a"), echo_backend("b")]
    gateway = config(pool=dict(servers=servers, health=dict(type="tcp", interval="100ms")))
    broker = {"listener": [{"name": "m", "bind": ["127.0.0.1:0"], "anonymous": "allow"}]}
    return run("run", {**gateway, "broker": broker})


@pytest.fixture
def client(gateway):
    """A connection that the API can show, beside one of the broker."""
    mqtt = MqttClient(gateway.address("m"))
    mqtt.connect("c/1")
    client = gateway.connect()
    client.ask(b"x")
    yield client
    mqtt.close()


def served(gateway):
    """{"GET /v1/pools", ...}: what the process says it has."""
    return {f"{method} {each['path']}" for each in gateway.ask("GET", "/v1").json()["paths"]
            for method in each["methods"]}


def served_operations(gateway):
    return [OPERATIONS[each] for each in sorted(served(gateway) & OPERATIONS.keys())]


def some_path(pattern):
    return re.sub(r"\{(\w+)\}", lambda match: NAMES.get(match[1], "1"), pattern)


def check_problem(answer):
    assert answer.content_type == "application/problem+json"
    assert not API.faults({"$ref": "#/components/schemas/Problem"}, answer.json()), answer


def connection_id(gateway):
    return gateway.ask("GET", "/v1/connections?listener=main").json()["connections"][0]["id"]


# What is there. A name for each part of a path.
NAMES = {"listener": "main", "pool": "p", "server": "a", "client_id": "c%2F1"}

# Requests that must succeed, in an order in which they can: (operation, path parameters, body).
GOOD = [
    ("POST /v1/pools/{pool}/servers", {}, {"name": "c", "address": "127.0.0.1:9", "weight": 3}),
    ("PATCH /v1/pools/{pool}/servers/{server}", {}, {"weight": 7}),
    ("PATCH /v1/pools/{pool}/servers/{server}", {}, {"state": "maint"}),
    ("PATCH /v1/pools/{pool}/servers/{server}", {}, {"state": "drain", "rate": "1/s", "deadline": "10m"}),
    ("PATCH /v1/pools/{pool}/servers/{server}", {}, {"state": "ready"}),
    ("PATCH /v1/pools/{pool}/servers/{server}", {},
     {"max_connections": 5, "max_accept_rate": "9/s", "backup": False}),
    ("DELETE /v1/pools/{pool}/servers/{server}", {"server": "c"}, None),
    ("PATCH /v1/listeners/{listener}", {}, {"state": "drain", "rate": "1/s"}),
    ("PATCH /v1/listeners/{listener}", {}, {"state": "ready"}),
    ("POST /v1/reload", {}, {"dry_run": True}),
    ("POST /v1/reload", {}, {"keep_runtime": True}),
    ("POST /v1/reload", {}, None),
    ("POST /v1/drain", {}, {"rate": "1/s", "deadline": "10m", "wait": "0s"}),
    ("DELETE /v1/drain", {}, None),
    ("DELETE /v1/connections/{id}", {}, None),
    ("DELETE /v1/clients/{client_id}", {}, None),
]


def ask(gateway, operation, names=None, body=None):
    path = operation.path
    for name, value in {**NAMES, **(names or {})}.items():
        path = path.replace("{" + name + "}", str(value))
    if "{id}" in path:
        path = path.replace("{id}", str(connection_id(gateway)))
    answer = gateway.ask(operation.method.upper(), path, body)
    API.check_answer(operation, answer)
    return answer


def read_everything(gateway):
    """While something drains, /readyz says no and everything else goes on."""
    for name in sorted(served(gateway) & {each for each in OPERATIONS if each.startswith("GET ")} - ENDLESS):
        status = ask(gateway, OPERATIONS[name]).status
        assert status == 503 if name == "GET /readyz" and drains(gateway) else status < 400, (name, status)


def drains(gateway):
    return gateway.status()["drain"] is not None or gateway.listener()["drain"] is not None


# The file alone.

def test_the_file_is_closed_and_complete():
    """No object may have members that the file does not list, and none is required that it does not have."""
    for where, schema in API.schemas():
        assert "additionalProperties" in schema, where
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys(), where


def test_every_reference_leads_somewhere():
    for where, node in walk(API.document):
        if isinstance(node, dict) and "$ref" in node:
            assert API.resolved(node), where


def test_the_examples_of_the_file_fit_it():
    examples = list(API.examples())
    assert len(examples) > 10
    for where, schema, value in examples:
        assert not API.faults(schema, value), where


def test_every_operation_says_what_it_is():
    for operation in OPERATIONS.values():
        assert operation.about["summary"].endswith("."), operation
        assert operation.about["tags"] and operation.about["operationId"], operation
        named = set(re.findall(r"\{(\w+)\}", operation.path))
        assert named == {each["name"] for each in operation.parameters if each["in"] == "path"}, operation
    ids = [each.about["operationId"] for each in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def walk(node, where=""):
    yield where, node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []:
        yield from walk(value, f"{where}/{key}")


# The file and the process.

def test_the_process_has_what_the_file_has_and_nothing_else(gateway):
    assert served(gateway) == set(OPERATIONS)


def test_what_is_read_is_what_the_file_says(gateway, client):
    read_everything(gateway)
    assert client.ask(b"y") == b"y"


def test_answers_without_an_end_begin_as_the_file_says(gateway):
    for name in ENDLESS:
        API.check_answer(OPERATIONS[name], gateway.begin("GET", OPERATIONS[name].path))


def test_commands_answer_what_the_file_says_and_so_does_reading_afterwards(gateway, client):
    for name, names, body in GOOD:
        answer = ask(gateway, OPERATIONS[name], names, body)
        assert answer.status < 400, (name, body, answer)
        read_everything(gateway)
    changing = {each for each in OPERATIONS if not each.startswith("GET ")}
    assert changing == {name for name, _, _ in GOOD}, "an operation that no request here tries"


def test_an_unknown_query_parameter_is_400_and_names_those_of_the_file(gateway):
    for operation in served_operations(gateway):
        answer = gateway.ask(operation.method.upper(), some_path(operation.path) + "?nonsense=1")
        assert answer.status == 400, operation
        known = {each["name"] for each in operation.parameters if each["in"] == "query"}
        assert set(answer.json()["known"]) == known, operation
        check_problem(answer)


def test_an_unknown_key_of_a_body_is_400_and_names_those_of_the_file(gateway):
    for operation in served_operations(gateway):
        if "requestBody" not in operation.about:
            continue
        answer = ask(gateway, operation, body={"nonsense": 1})
        assert answer.status == 400, operation
        content = API.resolved(operation.about["requestBody"])["content"]["application/json"]
        assert set(answer.json()["known"]) == API.resolved(content["schema"])["properties"].keys(), operation


def test_a_body_that_is_not_said_to_be_json_is_415(gateway):
    for operation in served_operations(gateway):
        if "requestBody" in operation.about:
            answer = gateway.ask(operation.method.upper(), some_path(operation.path), b"{}", {"Content-Type": "text/plain"})
            assert answer.status == 415, operation
            API.check_answer(operation, answer)


def test_a_method_that_the_file_does_not_have_is_405(gateway):
    operations = served_operations(gateway)
    for path in {each.path for each in operations}:
        allowed = {each.method.upper() for each in operations if each.path == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
            answer = gateway.ask(method, some_path(path))
            assert answer.status == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == allowed
            check_problem(answer)


@pytest.mark.parametrize("name, names, known", [
    ("GET /v1/listeners/{listener}", {"listener": "no"}, {"main", "m"}),
    ("GET /v1/pools/{pool}", {"pool": "no"}, {"p"}),
    ("GET /v1/pools/{pool}/servers", {"pool": "no"}, {"p"}),
    ("GET /v1/pools/{pool}/servers/{server}", {"pool": "no"}, {"p"}),
    ("GET /v1/pools/{pool}/servers/{server}", {"server": "no"}, {"a", "b"}),
])
def test_what_is_not_there_is_404_and_names_what_is(gateway, name, names, known):
    answer = ask(gateway, OPERATIONS[name], names)
    assert answer.status == 404
    assert set(answer.json()["known"]) == known
