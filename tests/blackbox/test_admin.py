"""The admin server: health, metrics, and what it says to everything else."""
import json
import re

import pytest

from configuration import config
from environment import PATIENCE_S

REASONS = {"client_closed", "server_closed", "client_reset", "server_reset", "idle_timeout", "max_age",
           "handshake_timeout", "connect_failed", "no_source_port", "no_server", "servers_full", "queue_full",
           "queue_timeout", "server_down", "server_removed", "server_drained", "listener_drained", "node_drained", "kicked",
           "refused", "probe", "no_memory", "stopped"}
REFUSALS = {"max_connections", "process_max_connections", "max_connections_per_address", "accept_rate",
            "accept_rate_per_address", "denied", "not_allowed", "proxy_missing", "proxy_untrusted", "proxy_malformed",
            "proxy_timeout"}


@pytest.fixture
def gateway(run, echo_backend):
    return run("run", config(pool=dict(servers=[echo_backend("a")])))


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_200_while_it_serves(gateway, path):
    assert gateway.get(path).status == 200


def test_metrics_are_in_the_text_format_and_named_by_the_rules(gateway):
    gateway.connect().ask(b"x")
    answer = gateway.get("/metrics")
    assert answer.status == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    page = gateway.metrics()
    assert len(page.samples) > 30
    assert page.types.keys() == page.helps.keys()
    for sample in page.samples:
        family = page.family_of(sample)
        assert re.fullmatch(r"(holdfast|process)_[a-z_]+", family)
        assert page.types[family] in ("counter", "gauge", "histogram")
        assert (page.types[family] == "counter") == family.endswith("_total"), family
        assert page.helps[family].endswith("."), family
    names_and_labels = [(each.name, tuple(sorted(each.labels.items()))) for each in page.samples]
    assert len(set(names_and_labels)) == len(names_and_labels), "a sample twice"


def test_every_reason_is_there_from_the_start(gateway):
    assert set(gateway.metrics().by("reason", "holdfast_closed_total")) == REASONS
    assert set(gateway.metrics().by("reason", "holdfast_refused_total")) == REFUSALS


def test_metrics_count_connections_and_bytes(gateway):
    client = gateway.connect()
    assert client.ask(b"12345") == b"12345"
    page = gateway.metrics()
    assert page.value("holdfast_connections", listener="main") == 1
    assert page.value("holdfast_connections_total", listener="main") == 1
    assert page.value("holdfast_server_connections", pool="p", server="a") == 1
    assert page.value("holdfast_relayed_bytes_total", listener="main", direction="to_server") == 5
    assert page.value("holdfast_relayed_bytes_total", listener="main", direction="to_client") == len("a\n12345")
    client.close()
    gateway.wait_metric("holdfast_closed_total", 1, listener="main", reason="client_closed")
    page = gateway.metrics()
    assert page.value("holdfast_connections", listener="main") == 0
    assert page.value("holdfast_server_connections", pool="p", server="a") == 0
    assert page.value("holdfast_server_connections_total", pool="p", server="a") == 1


def test_the_histogram_of_connect_times_is_cumulative_and_complete(gateway):
    for _ in range(5):
        gateway.connect().ask(b"x")
    page = gateway.metrics()
    buckets = page.matching("holdfast_connect_seconds_bucket", {"listener": "main"})
    bounds = [float(each.labels["le"]) for each in buckets]
    counts = [each.value for each in buckets]
    assert bounds == sorted(bounds) and bounds[-1] == float("inf")
    assert counts == sorted(counts) and counts[-1] == 5
    assert page.value("holdfast_connect_seconds_count", listener="main") == 5
    assert 0 < page.value("holdfast_connect_seconds_sum", listener="main") < 5 * PATIENCE_S


def test_names_of_servers_are_labels(run, echo_backend):
    a = echo_backend("a")
    gateway = run("run", config(pool=dict(servers=[dict(address=a.address), a.entry(name="Eins-2_3.x")])))
    assert set(gateway.metrics().by("server", "holdfast_server_connections")) == {a.address, "Eins-2_3.x"}


def test_what_is_not_there_is_404_as_problem_json(gateway):
    answer = gateway.get("/nothing-here")
    assert answer.status == 404
    assert answer.content_type == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == 404
    assert problem["title"]


@pytest.mark.parametrize("request_line, status", [
    (b"POST /metrics HTTP/1.1", 405), (b"DELETE /healthz HTTP/1.1", 405), (b"nonsense", 400),
])
def test_wrong_requests_are_answered_and_do_no_harm(gateway, request_line, status):
    client = gateway.connect(gateway.admin)
    client.send(request_line + b"\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert client.receive_until_end().startswith(b"HTTP/1.1 %d " % status)
    assert gateway.get("/healthz").status == 200
