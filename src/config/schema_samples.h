// config/schema_samples.h: for tests, two values of every key, and files made of them.
//
// Thread: values; used by tests alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.h"
#include "config/toml_reader.h"

namespace holdfast::config {

// Both as in a file, and neither the default, and how a reload brings the second one where the first one runs.
struct Sample {
  std::string path;  // "pool.server.weight"
  std::string_view one;
  std::string_view other;
  Applies applies;
};

inline const std::vector<Sample>& samples() {
  constexpr auto kLive = Applies::live;
  constexpr auto kNew = Applies::new_connections;
  constexpr auto kRestart = Applies::restart;
  static const std::vector<Sample> rows = {
      {"node.name", R"("edge-1")", R"("edge-2")", kLive},
      {"node.workers", "2", "3", kLive},
      {"node.user", R"("holdfast")", R"("nobody")", kRestart},
      {"node.run_dir", R"("/run/a")", R"("/run/b")", kRestart},
      {"node.data_dir", R"("/var/a")", R"("/var/b")", kRestart},
      {"node.max_connections", "1000", "2000", kLive},
      {"node.stop_timeout", R"("10s")", R"("20s")", kLive},
      {"node.drain_wait", R"("1s")", R"("2s")", kLive},
      {"node.drain_rate", R"("100/s")", R"("30/m")", kLive},
      {"log.level", R"("debug")", R"("error")", kLive},
      {"log.format", R"("json")", R"("text")", kLive},
      {"log.connections", "false", "true", kLive},
      {"admin.listen", R"("127.0.0.1:9101")", R"("")", kLive},
      {"admin.token_file", R"("/etc/a")", R"("/etc/b")", kLive},
      {"admin.socket_mode", R"("0600")", R"("0666")", kLive},
      {"admin.socket_group", R"("adm")", R"("operators")", kLive},
      {"listener.bind", R"(["0.0.0.0:1883", "[::]:1883"])", R"(["unix:/run/mqtt.sock"])", kLive},
      {"listener.protocol", R"("tcp")", "", kNew},  // there is only one
      {"listener.pool", R"("p")", R"("q")", kNew},
      {"listener.max_connections", "10", "20", kNew},
      {"listener.max_connections_per_address", "3", "4", kNew},
      {"listener.address_prefix_ipv6", "56", "48", kRestart},
      {"listener.accept_rate", R"("10/s")", R"("20/s")", kNew},
      {"listener.accept_burst", "5", "6", kNew},
      {"listener.accept_rate_per_address", R"("7/h")", R"("8/h")", kNew},
      {"listener.accept_burst_per_address", "1", "2", kNew},
      {"listener.allow", R"(["10.0.0.0/8"])", R"(["10.0.0.0/8", "::1/128"])", kNew},
      {"listener.deny", R"(["10.0.0.7/32"])", R"(["10.0.0.8/32"])", kNew},
      {"listener.proxy_protocol", R"("optional")", R"("required")", kNew},
      {"listener.proxy_protocol_timeout", R"("1s")", R"("2s")", kNew},
      {"listener.proxy_protocol_from", R"(["10.1.0.0/16"])", R"(["fd00::/8"])", kNew},
      {"listener.handshake_timeout", R"("1s")", R"("2s")", kNew},
      {"listener.idle_timeout", R"("1h")", R"("1h30m")", kLive},
      {"listener.max_age", R"("1d")", R"("2d")", kLive},
      {"listener.max_age_jitter", "0.2", "0.3", kLive},
      {"listener.tcp_keepalive", R"("10s")", R"("20s")", kNew},
      {"listener.tcp_user_timeout", R"("10s")", R"("20s")", kNew},
      {"pool.policy", R"("hash")", R"("first")", kNew},
      {"pool.hash_key", R"("address")", "", kNew},  // there is only one
      {"pool.hash_load_bound", "1.5", "2", kNew},
      {"pool.slow_start", R"("10s")", R"("20s")", kNew},
      {"pool.connect_timeout", R"("1s")", R"("2s")", kNew},
      {"pool.retries", "1", "2", kNew},
      {"pool.queue", "10", "20", kNew},
      {"pool.queue_timeout", R"("1s")", R"("2s")", kNew},
      {"pool.when_all_down", R"("queue")", R"("refuse")", kNew},
      {"pool.source_addresses", R"(["10.0.0.5", "fd00::5"])", R"(["fd00::5", "10.0.0.5"])", kNew},
      {"pool.proxy_protocol", R"("v1")", R"("v2")", kNew},
      {"pool.on_down", R"("close")", R"("keep")", kLive},
      {"pool.on_remove", R"("keep")", R"("close")", kLive},
      {"pool.drain_rate", R"("10/s")", R"("20/s")", kLive},
      {"pool.drain_deadline", R"("1m")", R"("2m")", kLive},
      {"pool.resolve_interval", R"("10s")", R"("20s")", kLive},
      {"pool.health.type", R"("http")", R"("script")", kLive},
      {"pool.health.address", R"("10.0.0.9")", R"("::1")", kLive},
      {"pool.health.port", "81", "82", kLive},
      {"pool.health.interval", R"("1s")", R"("3s")", kLive},
      {"pool.health.fast_interval", R"("100ms")", R"("200ms")", kLive},
      {"pool.health.down_interval", R"("5s")", R"("6s")", kLive},
      {"pool.health.jitter", "0.2", "0.3", kLive},
      {"pool.health.timeout", R"("1s")", R"("3s")", kLive},
      {"pool.health.rise", "1", "3", kLive},
      {"pool.health.fall", "1", "2", kLive},
      {"pool.health.panic_threshold", "0.25", "0", kLive},
      {"pool.health.method", R"("HEAD")", R"("POST")", kLive},
      {"pool.health.path", R"("/a")", R"("/b?x=\"1\"")", kLive},
      {"pool.health.headers", R"(["Host: a", "X-Empty:"])", R"(["Host: b"])", kLive},
      {"pool.health.status", R"(["200", "204-299"])", R"(["200"])", kLive},
      {"pool.health.body", R"("ok")", R"("fine\\\n")", kLive},
      {"pool.health.agent_port", "9999", "9998", kLive},
      {"pool.health.agent_address", R"("10.0.0.8")", R"("10.0.0.7")", kLive},
      {"pool.health.agent_send", R"("state\n")", R"("\u0001")", kLive},
      {"pool.health.step.send", R"("PING\n")", R"("ping")", kLive},
      {"pool.health.step.send_hex", R"("10 0c")", R"("10 0d")", kLive},
      {"pool.health.step.expect", R"("PONG")", R"("pong")", kLive},
      {"pool.health.step.expect_hex", R"("2b")", R"("2c 00")", kLive},
      {"pool.passive.errors", "3", "4", kLive},
      {"pool.passive.window", R"("1s")", R"("2s")", kLive},
      {"pool.passive.eject", R"("1s")", R"("2s")", kLive},
      {"pool.passive.eject_max", R"("1m")", R"("2m")", kLive},
      {"pool.passive.eject_share", "0.25", "1", kLive},
      {"pool.passive.early_close", R"("2s")", R"("3s")", kLive},
      {"pool.discovery.from", R"("file")", "", kLive},  // there is only one
      {"pool.discovery.path", R"("/a.json")", R"("/b.toml")", kLive},
      {"pool.discovery.allow_shrink", "true", "false", kLive},
      {"pool.server.address", R"("10.0.0.1:1883")", R"("b.local:1883")", kNew},
      {"pool.server.weight", "10", "20", kNew},
      {"pool.server.max_connections", "10", "20", kNew},
      {"pool.server.max_accept_rate", R"("10/s")", R"("20/s")", kNew},
      {"pool.server.backup", "true", "false", kNew},
      {"broker.listener.bind", R"(["0.0.0.0:1884", "[::]:1884"])", R"(["unix:/run/broker.sock"])", kRestart},
      {"broker.listener.max_connections", "10", "20", kRestart},
      {"broker.listener.max_connections_per_address", "3", "4", kRestart},
      {"broker.listener.address_prefix_ipv6", "56", "48", kRestart},
      {"broker.listener.accept_rate", R"("10/s")", R"("20/s")", kRestart},
      {"broker.listener.accept_burst", "5", "6", kRestart},
      {"broker.listener.accept_rate_per_address", R"("7/h")", R"("8/h")", kRestart},
      {"broker.listener.accept_burst_per_address", "1", "2", kRestart},
      {"broker.listener.allow", R"(["10.0.0.0/8"])", R"(["10.0.0.0/8", "::1/128"])", kRestart},
      {"broker.listener.deny", R"(["10.0.0.7/32"])", R"(["10.0.0.8/32"])", kRestart},
      {"broker.listener.proxy_protocol", R"("optional")", R"("required")", kRestart},
      {"broker.listener.proxy_protocol_timeout", R"("1s")", R"("2s")", kRestart},
      {"broker.listener.proxy_protocol_from", R"(["10.1.0.0/16"])", R"(["fd00::/8"])", kRestart},
      {"broker.listener.tcp_keepalive", R"("10s")", R"("20s")", kRestart},
      {"broker.listener.tcp_user_timeout", R"("10s")", R"("20s")", kRestart},
      {"broker.packet_size_max", R"("64KiB")", R"("2MiB")", kRestart},
      {"broker.qos_max", "0", "1", kRestart},
      {"broker.topic_levels_max", "7", "8", kRestart},
      {"broker.topic_length_max", "100", "200", kRestart},
      {"broker.client_id_length_max", "23", "24", kRestart},
      {"broker.subscriptions_max", "0", "5", kRestart},
      {"broker.inflight_max", "1", "2", kRestart},
      {"broker.awaiting_rel_max", "10", "20", kRestart},
      {"broker.topic_alias_max", "0", "65535", kRestart},
      {"broker.wildcard_available", "false", "true", kRestart},
      {"broker.shared_available", "false", "true", kRestart},
      {"broker.exclusive_available", "true", "false", kRestart},
      {"broker.retain_available", "false", "true", kRestart},
      {"broker.session_expiry_max", R"("0s")", R"("1d")", kRestart},
      {"broker.keepalive_factor", "2", "2.5", kRestart},
      {"broker.keepalive_max", R"("1m")", R"("2m")", kRestart},
      {"broker.message_rate", R"("100/s")", R"("200/s")", kRestart},
      {"broker.message_burst", "5", "6", kRestart},
      {"broker.byte_rate", R"("64KiB/s")", R"("1MB/s")", kRestart},
      {"broker.byte_burst", R"("128KiB")", R"("1MiB")", kRestart},
      {"broker.listener.packet_size_max", R"("64KiB")", R"("2MiB")", kRestart},
      {"broker.listener.qos_max", "0", "1", kRestart},
      {"broker.listener.topic_levels_max", "7", "8", kRestart},
      {"broker.listener.topic_length_max", "100", "200", kRestart},
      {"broker.listener.client_id_length_max", "23", "24", kRestart},
      {"broker.listener.subscriptions_max", "0", "5", kRestart},
      {"broker.listener.inflight_max", "1", "2", kRestart},
      {"broker.listener.awaiting_rel_max", "10", "20", kRestart},
      {"broker.listener.topic_alias_max", "0", "65535", kRestart},
      {"broker.listener.wildcard_available", "false", "true", kRestart},
      {"broker.listener.shared_available", "false", "true", kRestart},
      {"broker.listener.exclusive_available", "true", "false", kRestart},
      {"broker.listener.retain_available", "false", "true", kRestart},
      {"broker.listener.session_expiry_max", R"("0s")", R"("1d")", kRestart},
      {"broker.listener.keepalive_factor", "2", "2.5", kRestart},
      {"broker.listener.keepalive_max", R"("1m")", R"("2m")", kRestart},
      {"broker.listener.message_rate", R"("100/s")", R"("200/s")", kRestart},
      {"broker.listener.message_burst", "5", "6", kRestart},
      {"broker.listener.byte_rate", R"("64KiB/s")", R"("1MB/s")", kRestart},
      {"broker.listener.byte_burst", R"("128KiB")", R"("1MiB")", kRestart},
      {"broker.shared_strategy", R"("sticky")", R"("hash_topic")", kRestart},
      {"broker.sys_interval", R"("10s")", R"("0s")", kRestart},
      {"broker.presence_events", "false", "true", kRestart},
      {"broker.queue.max_length", "10", "20", kRestart},
      {"broker.queue.max_bytes", R"("64KiB")", R"("2MiB")", kRestart},
      {"broker.queue.store_qos0", "true", "false", kRestart},
      {"broker.queue.when_full", R"("drop_newest")", R"("disconnect")", kRestart},
      {"broker.retained.max_messages", "0", "5", kRestart},
      {"broker.retained.max_bytes", R"("64KiB")", R"("0B")", kRestart},
      {"broker.retained.max_payload", R"("64KiB")", R"("0B")", kRestart},
      {"broker.retained.expiry", R"("1h")", R"("2h")", kRestart},
      {"broker.delayed.max_messages", "0", "5", kRestart},
      {"broker.delayed.max_bytes", R"("64KiB")", R"("0B")", kRestart},
      {"broker.delayed.max_delay", R"("1h")", R"("2h")", kRestart},
      {"broker.rewrite.action", R"("publish")", R"("subscribe")", kRestart},
      {"broker.rewrite.from", R"("a/+/#")", R"("b/+/#")", kRestart},
      {"broker.rewrite.to", R"("c/$2/$1")", R"("c/%u/%c")", kRestart},
      {"broker.auto_subscribe.filter", R"("to/%c/#")", R"("to/%u/+")", kRestart},
      {"broker.auto_subscribe.qos", "1", "2", kRestart},
      {"broker.auto_subscribe.no_local", "true", "false", kRestart},
      {"broker.auto_subscribe.retain_as_published", "true", "false", kRestart},
      {"broker.auto_subscribe.retain_handling", R"("new")", R"("never")", kRestart},
      {"broker.listener.protocol", R"("websocket")", R"("mqtt")", kRestart},
      {"broker.listener.path", R"("/ws")", R"("/")", kRestart},
      {"broker.listener.allow_origins", R"(["https://a.example", "http://localhost:*"])", R"(["null"])", kRestart},
      {"broker.listener.connect_timeout", R"("1s")", R"("2s")", kRestart},
      {"broker.listener.mountpoint", R"("a/%u/")", R"("b/")", kRestart},
      {"broker.listener.anonymous", R"("allow")", R"("deny")", kRestart},
      {"auth.anonymous", R"("allow")", R"("deny")", kRestart},
      {"auth.cache_time", R"("1m")", R"("0s")", kRestart},
      {"auth.cache_max", "5", "6", kRestart},
      {"auth.threads", "1", "3", kRestart},
      {"auth.pending_max", "5", "6", kRestart},
      {"auth.timeout", R"("1s")", R"("2s")", kRestart},
      {"auth.failure_rate_per_address", R"("7/h")", R"("8/h")", kRestart},
      {"auth.failure_burst_per_address", "5", "6", kRestart},
      {"auth.failure_exempt", R"(["10.0.0.0/8"])", "[]", kRestart},
      {"auth.chain.module", R"("file")", "", kRestart},  // there is only one
      {"auth.chain.path", R"("/a.toml")", R"("/b.toml")", kRestart},
      {"auth.acl.path", R"("/a.acl")", R"("/b.acl")", kRestart},
      {"auth.acl.no_match", R"("allow")", R"("deny")", kRestart},
      {"auth.acl.when_denied", R"("disconnect")", R"("ignore")", kRestart},
  };
  return rows;
}

inline Value toml_value(std::string_view text) {
  Faults faults;
  const auto root = read_toml("key = " + std::string(text), faults);
  EXPECT_TRUE(root.has_value()) << text;
  return root ? *root->find("key") : Value{};
}

// A key of `table` and its value there, which is made when there is none.
struct Place {
  const KeyShape* key;
  Value* value;
};

inline Place place_in(const TableShape& table, Value& in, std::string_view name) {
  const KeyShape* key = nullptr;
  for (const KeyShape& each : table.keys) {
    if (each.name == name) key = &each;
  }
  EXPECT_NE(key, nullptr) << name;
  Members& members = std::get<Members>(in.content);
  for (Member& each : members) {
    if (each.key == name) return {key, &each.value};
  }
  members.push_back({std::string(name), {}, {Members{}}});
  return {key, &members.back().value};
}

inline bool has_names(const TableShape& table) {
  return std::ranges::find(table.keys, "name", &KeyShape::name) != table.keys.end();
}

// The table in the value of `key`: itself, or the last one of the list, which is given a first one when it has none.
// That is called by its first letter, "l" or "p", and one of the broker "bl".
inline Value& table_in(Value& value, const KeyShape& key, std::string_view before) {
  if (key.shape.form == Shape::Form::table) return value;
  if (value.as<List>() == nullptr) value.content = List{};
  List& list = std::get<List>(value.content);
  const std::string name = (before == "broker." ? "b" : "") + key.name.substr(0, 1);
  if (list.empty()) list.push_back({has_names(*key.shape.table) ? Members{{"name", {}, {name}}} : Members{}});
  return list.back();
}

// The table that `path` is in, made on the way, and the last part of `path`.
inline std::pair<Value*, std::string_view> table_of(Value& root, std::string_view path) {
  const TableShape* shape = schema().shape.table.get();
  const std::string_view whole = path;
  Value* table = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    const Place place = place_in(*shape, *table, path.substr(0, dot));
    table = &table_in(*place.value, *place.key, whole.substr(0, whole.size() - path.size()));
    shape = place.key->shape.table.get();
    path.remove_prefix(dot + 1);
  }
  return {table, path};
}

inline void put(Value& root, std::string_view path, Value value) {
  const auto [table, key] = table_of(root, path);
  Members& members = std::get<Members>(table->content);
  std::erase_if(members, [key = key](const Member& each) { return each.key == key; });
  members.push_back({std::string(key), {}, std::move(value)});
}

inline void leave_out(Value& root, std::string_view path) {
  const auto [table, key] = table_of(root, path);
  std::erase_if(std::get<Members>(table->content), [key = key](const Member& each) { return each.key == key; });
}

// A file with every key: a listener "l", a pool "p" with a server "s", a listener "bl" of the broker.
inline Value file_of_samples() {
  Value root{Members{}};
  for (const Sample& each : samples()) put(root, each.path, toml_value(each.one));
  return root;
}

inline Settings settings_of(const Value& root) {
  Faults faults;
  auto settings = schema().read(root, Reading(faults));
  for (const Fault& fault : faults.in_file_order("f")) ADD_FAILURE() << fault.text;
  return settings.value_or(Settings{});
}

}  // namespace holdfast::config
