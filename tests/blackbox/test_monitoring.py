"""What stands beside /metrics: the page as Prometheus' own tool sees it, the alert rules, the dashboard."""
import json
import re
import shutil
import subprocess
import time

import pytest

from configuration import config
from environment import REPOSITORY, wait_until

PACKAGING = REPOSITORY / "packaging"
RULES = PACKAGING / "prometheus" / "holdfast.rules.yml"
TESTS_OF_RULES = PACKAGING / "prometheus" / "holdfast.rules.test.yml"
THERE_ONCE_RAISED = {"holdfast_alarms"}
DASHBOARD = json.loads((PACKAGING / "grafana" / "holdfast.json").read_text())
METRIC = re.compile(r"\b(?:holdfast|process)_[a-z_]+\b")
SERIES_OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


@pytest.fixture
def promtool():
    """promtool("check", "rules", FILE): must find nothing wrong. Returns what it said."""
    if not shutil.which("promtool"):
        pytest.skip("promtool (Debian's prometheus) is not installed")

    def run(*arguments, **options):
        done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def busy_gateway(run, echo_backend, directory):
    """One that has something to say in every metric: a pool with checks, discovery, sources; connections that ended; and a
    broker."""
    a, b = echo_backend("a"), echo_backend("b")
    servers = directory / "servers.json"
    servers.write_text(json.dumps({"servers": [{"name": "b", "address": b.address}]}))
    pool = dict(servers=[a], health=dict(type="tcp", interval="50ms"), source_addresses=["127.0.0.1", "127.0.0.2"],
                discovery={"from": "file", "path": str(servers)})
    broker = {"listener": [{"name": "m", "bind": ["127.0.0.1:0"]}]}
    gateway = run("run", {**config(pool=pool, node=dict(workers=2, data_dir=str(directory / "data"))), "broker": broker})
    for _ in range(4):
        gateway.connect().ask(b"x")
    gateway.clients()[0].close()
    gateway.wait_metric("holdfast_closed_total", 1, reason="client_closed")
    gateway.wait_metric("holdfast_probe_seconds_count", lambda count: count > 3)
    return gateway


def documented_metrics():
    return set(METRIC.findall((REPOSITORY / "docs" / "METRICS.md").read_text()))


def metrics_in(text):
    """Without what is in quotes, such as values of labels, and without the endings that series of a histogram have."""
    known, names = documented_metrics(), METRIC.findall(re.sub(r'"[^"]*"', '""', text))
    return {name if name in known else SERIES_OF_HISTOGRAM.sub("", name) for name in names}


def panels():
    return [each for each in DASHBOARD["panels"] if each["type"] != "row"]


def queries():
    """(where, query) of everything that the dashboard asks."""
    asked = [(each["title"], target["expr"]) for each in panels() for target in each["targets"]]
    asked += [(each["name"], each["expr"]) for each in DASHBOARD["annotations"]["list"]]
    return asked + [(each["name"], each["definition"]) for each in DASHBOARD["templating"]["list"] if "definition" in each]


# --- the page ---


def test_promtool_finds_nothing_wrong_with_the_page(busy_gateway, promtool):
    assert promtool("check", "metrics", input=busy_gateway.get("/metrics").body) == ""


def test_checks_are_timed_and_states_are_told(busy_gateway):
    page = busy_gateway.metrics()
    assert 0 < page.value("holdfast_probe_seconds_sum", pool="p") < 5 * page.value("holdfast_probe_seconds_count")
    for server in ("a", "b"):
        states = page.by("state", "holdfast_server_state", server=server)
        assert states == {"UP": 1, "DOWN": 0, "DRAIN": 0, "MAINT": 0}


def test_a_server_that_dies_changes_its_state(run, refusing_backend, echo_backend):
    pool = dict(servers=[echo_backend("a"), refusing_backend("gone")],
                health=dict(type="tcp", interval="50ms", fall=1, panic_threshold=0))
    gateway = run("run", config(pool=pool))
    gateway.wait_metric("holdfast_server_state", 1, server="gone", state="DOWN")
    assert gateway.metric("holdfast_server_state", server="gone", state="UP") == 0


def test_the_process_is_told_as_the_kernel_sees_it(busy_gateway):
    def told():  # the scrape itself has some, and a check may have one
        return abs(busy_gateway.metric("process_open_fds") - busy_gateway.descriptors()) <= 2

    wait_until(told, "as many descriptors as it has")
    page = busy_gateway.metrics()
    assert page.value("process_resident_memory_bytes") >= busy_gateway.user_memory_bytes() / 2
    assert page.value("process_max_fds") > page.value("process_open_fds")
    assert page.value("process_threads") > 2


def test_what_runs_since_the_start_is_a_configuration_that_was_taken(busy_gateway):
    page = busy_gateway.metrics()
    assert page.by("result", "holdfast_reloads_total") == {"applied": 0, "refused": 0}
    assert page.value("holdfast_config_last_reload_success") == 1
    started = page.value("process_start_time_seconds")
    assert started - 1 < page.value("holdfast_config_loaded_timestamp_seconds") <= time.time()


def test_a_broker_shows_the_metrics_that_the_document_has_and_no_others(run, promtool):
    broker = run("run", {"node": {"workers": 2, "run_dir": ""}, "log": {"format": "json"},
                         "admin": {"listen": "127.0.0.1:0"}, "broker": {"listener": [{"name": "m", "bind": ["127.0.0.1:0"]}]}})
    assert promtool("check", "metrics", input=broker.get("/metrics").body) == ""
    shown = {each.name for each in broker.metrics().samples}
    of_brokers = ("holdfast_broker_", "holdfast_auth_")
    assert {name for name in shown if name.startswith(of_brokers)} == {
        name for name in documented_metrics() if name.startswith(of_brokers)}


# --- the alert rules ---


def test_the_rules_are_rules(promtool):
    promtool("check", "rules", RULES)


def test_every_alert_is_raised_when_it_should_be_and_not_before(promtool):
    promtool("test", "rules", TESTS_OF_RULES.name, cwd=TESTS_OF_RULES.parent)
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert len(alerts) == len(set(alerts)) > 10
    tests = TESTS_OF_RULES.read_text()
    for alert in alerts:
        assert f"alertname: {alert}, exp_alerts: []" in tests, f"{alert} is never quiet"
        assert f"alertname: {alert}\n        exp_alerts:\n" in tests, f"{alert} is never raised"


def test_the_rules_ask_only_for_metrics_that_exist():
    asked = metrics_in(RULES.read_text())
    assert len(asked) > 10
    assert asked <= documented_metrics()


# --- the dashboard ---


def test_the_dashboard_and_the_rules_ask_only_for_what_a_gateway_shows(busy_gateway):
    asked = metrics_in(RULES.read_text()).union(*(metrics_in(query) for _, query in queries()))
    assert len(asked) > 25
    assert asked - busy_gateway.metrics().types.keys() <= THERE_ONCE_RAISED


def test_every_query_of_the_dashboard_is_promql(promtool, directory):
    """As recording rules, since that is what promtool reads."""
    rules = []
    for number, (_, query) in enumerate(queries()):
        query = re.sub(r"\$__rate_interval", "1m", query)
        if not query.startswith("label_values"):
            rules.append({"record": f"query_{number}", "expr": re.sub(r"\$\w+", ".*", query)})
    assert len(rules) > 25
    file = directory / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_panels_say_what_they_show_and_do_not_cover_each_other():
    ids = [each["id"] for each in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for each in DASHBOARD["panels"]:
        place = each["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, each["title"]
        taken |= cells
    for each in panels():
        assert each["description"].endswith("."), each["title"]
