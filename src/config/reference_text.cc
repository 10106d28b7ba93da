// The hand-written part of the reference.
#include "config/reference_text.h"

#include "config/reference.h"

namespace holdfast::config {

std::string_view reference_introduction() {
  return R"(# Configuration

<!-- Made from src/config/schema.cc and src/config/reference_text.cc; a test fails when this file differs from them. -->

A configuration is one file in [TOML 1.0](https://toml.io/en/v1.0.0). `holdfast check FILE` says whether it is right,
without starting anything; `holdfast run FILE` starts what it describes.

Every key has a type, and most have a default and a range; the tables below list them all. Whatever is not known stops
both commands: an unknown key, a wrong type, a value out of range, a name that is not defined; and so does a key that would do
nothing, such as `proxy_protocol_from` without `proxy_protocol`, or `path` in a health check that is not of type "http".
All faults are reported at once, in the order of the file, with exit status 2, and each says what would be right:

```
edge.toml:14:1: unknown key `idle_timout` in [[listener]]; did you mean `idle_timeout`?
edge.toml:21:8: no pool is called "broker"; did you mean "brokers"?
```

A name in single brackets, `[node]`, is a section that a file has once or not at all. A name in double brackets,
`[[listener]]`, starts a new one each time it is written. `[[pool.server]]` belongs to the `[[pool]]` above it. A file has
at least one `[[listener]]`, and is a gateway then, or one `[[broker.listener]]`, and is a broker; it may be both.

## Values

| type | written as | meaning |
|---|---|---|
| boolean | `true`, `false` | |
| number | `100000`, `100_000` | a whole number |
| duration | `"250us"`, `"200ms"`, `"5s"`, `"10m"`, `"3h"`, `"7d"`, `"1h30m"` | whole numbers with units, the largest first |
| real number | `0.5`, `1` | |
| rate | `"200/s"`, `"30/m"`, `"5/h"`, `0` where it says so | how often something may happen |
| size | `"512B"`, `"64KiB"`, `"1MiB"`, `"10kB"`, `"5MB"` | bytes; KiB, MiB and GiB are powers of 1024, kB, MB and GB of 1000 |
| byte rate | `"64KiB/s"`, `0` where it says so | bytes in a second |
| text | `"/run/holdfast"` | any characters but control characters |
| name | `"edge-1"` | letters, digits, `.`, `_` and `-`, at most 64 |
| user, group | `"holdfast"` | an account of this machine |
| file mode | `"0660"` | permissions in octal, as chmod takes them |
| choice | `"info"` | one of the words listed |
| address | `"10.0.0.11:1883"`, `"[::1]:1883"`, `"b1.local:1883"`, `"unix:/path"` | IPv4, IPv6, host name, unix socket |
| IP address | `"10.0.0.5"`, `"fd00::5"` | without a port |
| network | `"10.0.0.0/8"`, `"2001:db8::/32"`, `"10.0.0.7"` | all addresses with these leading bits, or one address |
| hex | `"10 0c 00 04"` | bytes |
| filter | `"site/+/door/#"` | topics of MQTT: `+` stands for one level, `#` for all that follow |
| topic | `"site/7/"` | a topic of MQTT, or a part of one |
| list of ... | `["0.0.0.0:1883", "[::]:1883"]` | values of one type, in brackets |

A file has at most 16 MiB.

## What a reload does

`holdfast reload` and SIGHUP read the file again, compare it with what runs, and apply the difference; what is not named by
it, stays as it is. The column "reload" says how the new value of a key comes:

| reload | meaning |
|---|---|
| live | at once, also to connections that are there |
| new connections | connections that are there keep what they had |
| restart | not at all: the reload says so, and what runs is kept until the process starts anew |
| it is another one | listeners, pools and servers are known by their names: the old one is removed, the new one is added |

A listener, a pool or a server that is added or removed, and a section such as [pool.health], are live; of the broker
nothing is, neither its keys nor its listeners: the reload says what waits for a restart. The order of servers in
their pool counts as well, for `policy = "first"`.
)";
}

std::string_view example_file() {
  return R"([node]
name = "edge-1"
stop_timeout = "1m"

[log]
format = "json"

[admin]
listen = "127.0.0.1:9100"

[[listener]]
name = "mqtt"
bind = ["0.0.0.0:1883", "[::]:1883"]
pool = "brokers"
max_connections = 500_000
idle_timeout = "1h30m"

[[listener]]
name = "local"
bind = ["unix:/run/holdfast/mqtt.sock"]
pool = "brokers"
idle_timeout = "0s"             # never

[[pool]]
name = "brokers"
policy = "least_connections"
connect_timeout = "2s"

[pool.health]                   # of the [[pool]] above
type = "tcp"
interval = "2s"

[[pool.server]]
name = "b1"
address = "10.0.0.11:1883"

[[pool.server]]
name = "b2"
address = "b2.example.com:1883"
weight = 50                     # half as many connections as b1

[[pool.server]]                 # named "[fd00::3]:1883"
address = "[fd00::3]:1883"
)";
}

}  // namespace holdfast::config
