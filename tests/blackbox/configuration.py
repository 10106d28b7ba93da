"""Configuration files from Python values.

    config(listener=dict(max_connections=3), pool=dict(policy="round_robin", servers=[a, b]), node=dict(workers=2))

What a test does not say is filled in so that the program bothers nobody: free ports on loopback, one worker, JSON logs.
"""
import json


def config(listener=None, pool=None, **sections):
    """`listener` and `pool` are a dict or a list of them; a pool's `servers` are objects with `entry()`, or dicts."""
    pools = [_pool(each) for each in _as_list(pool)]
    listeners = [{"name": "main", "bind": ["127.0.0.1:0"], "pool": pools[0]["name"], **each}
                 for each in _as_list(listener or {})]
    document = {
        "node": {"workers": 1, "stop_timeout": "3s", "run_dir": ""},
        "log": {"format": "json"},
        "admin": {"listen": "127.0.0.1:0"},
    }
    for name, values in sections.items():
        document[name] = {**document.get(name, {}), **values}
    return {**document, "listener": listeners, "pool": pools}


def to_toml(document):
    lines = []
    _write_table(lines, "", document)
    return "\n".join(lines) + "\n"


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _pool(given):
    pool = {"name": "p", **given}
    servers = pool.pop("servers")
    return {**pool, "server": [each if isinstance(each, dict) else each.entry() for each in servers]}


def _is_array_of_tables(value):
    return isinstance(value, list) and value and isinstance(value[0], dict)


def _write_table(lines, path, table):
    nested = {key: value for key, value in table.items() if isinstance(value, dict) or _is_array_of_tables(value)}
    lines.extend(f"{key} = {_value(value)}" for key, value in table.items() if key not in nested)
    for key, value in nested.items():
        inner = f"{path}.{key}" if path else key
        for each in value if isinstance(value, list) else [value]:
            lines.append(f"[[{inner}]]" if isinstance(value, list) else f"[{inner}]")
            _write_table(lines, inner, each)


def _value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return json.dumps(value)  # text, numbers and booleans are written alike in both languages
