#include "config/parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/reference.h"

namespace holdfast::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::filesystem::path kCorpus = HOLDFAST_SOURCE_DIR "/tests/config";

std::vector<std::filesystem::path> files_in(const char* folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus / folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

// Every line of faults, as it is printed but without the name of the file.
std::string lines_of(const std::vector<Fault>& faults) {
  std::string lines;
  for (const Fault& fault : faults) {
    lines += std::to_string(fault.line) + ":" + std::to_string(fault.column) + ": " + fault.text + "\n";
  }
  return lines;
}

// What the comments "# expect: ..." at the top of a file say.
std::string expected_lines(const std::filesystem::path& path) {
  constexpr std::string_view kMark = "# expect: ";
  std::ifstream file(path);
  std::string lines;
  for (std::string line; std::getline(file, line) && line.starts_with(kMark);)
    lines += line.substr(kMark.size()) + "\n";
  return lines;
}

Settings good(const char* name) {
  const auto parsed = parse_file(kCorpus / "good" / name);
  EXPECT_EQ(lines_of(parsed.faults), "");
  return parsed.settings.value_or(Settings{});
}

TEST(ParseFile, ReportsExactlyTheFaultsThatEachBadFileExpects) {
  const auto files = files_in("bad");
  EXPECT_GE(files.size(), 90);
  for (const auto& path : files) {
    SCOPED_TRACE(path.filename());
    const auto parsed = parse_file(path);
    EXPECT_EQ(lines_of(parsed.faults), expected_lines(path));
    EXPECT_FALSE(parsed.faults.empty());
    EXPECT_FALSE(parsed.settings.has_value());
  }
}

TEST(ParseFile, FindsNoFaultInGoodFiles) {
  for (const auto& path : files_in("good")) {
    const auto parsed = parse_file(path);
    EXPECT_EQ(lines_of(parsed.faults), "") << path;
    EXPECT_TRUE(parsed.settings.has_value()) << path;
  }
}

TEST(ParseFile, FillsInDefaults) {
  const Settings settings = good("minimal.toml");
  EXPECT_EQ(settings.node.name, "");
  EXPECT_EQ(settings.node.workers, 0);
  EXPECT_EQ(settings.node.run_dir, "/run/holdfast");
  EXPECT_EQ(settings.node.data_dir, "/var/lib/holdfast");
  EXPECT_EQ(settings.node.stop_timeout, seconds(30));
  EXPECT_EQ(settings.log.level, base::LogLevel::info);
  EXPECT_EQ(settings.log.format, base::LogFormat::text);
  EXPECT_TRUE(settings.log.connections);
  EXPECT_EQ(settings.admin.listen.value_or(base::Endpoint{}).text(), "127.0.0.1:9100");
  EXPECT_EQ(settings.admin.token_file, "");
  EXPECT_EQ(settings.admin.socket_mode, 0660U);
  EXPECT_EQ(settings.admin.socket_group, "");
  EXPECT_EQ(settings.node.user, "");
  EXPECT_EQ(settings.node.drain_wait, seconds(0));
  EXPECT_EQ(settings.node.drain_rate, base::Rate{});

  ASSERT_EQ(settings.listeners.size(), 1);
  const Listener& listener = settings.listeners.front();
  EXPECT_EQ(listener.protocol, Protocol::tcp);
  EXPECT_EQ(listener.max_connections, 100'000);
  EXPECT_EQ(listener.handshake_timeout, seconds(10));
  EXPECT_EQ(listener.idle_timeout, hours(3));
  EXPECT_EQ(listener.tcp_keepalive, seconds(60));
  EXPECT_EQ(listener.tcp_user_timeout, seconds(0));

  ASSERT_EQ(settings.pools.size(), 1);
  const Pool& pool = settings.pools.front();
  EXPECT_EQ(pool.policy, Policy::least_connections);
  EXPECT_EQ(pool.connect_timeout, seconds(5));
  EXPECT_EQ(pool.retries, 3);
  EXPECT_EQ(pool.resolve_interval, seconds(30));
  ASSERT_EQ(pool.servers.size(), 1);
  EXPECT_EQ(pool.servers.front().name, "10.0.0.11:1883");
  EXPECT_EQ(pool.servers.front().weight, 100);
}

TEST(ParseFile, ReadsEveryKey) {
  const Settings settings = good("every_key.toml");
  EXPECT_EQ(settings.node.name, "edge-1");
  EXPECT_EQ(settings.node.workers, 256);
  EXPECT_EQ(settings.node.run_dir, "/run/other");
  EXPECT_EQ(settings.node.data_dir, "/var/lib/other");
  EXPECT_EQ(settings.node.stop_timeout, minutes(1));
  EXPECT_EQ(settings.node.user, "holdfast");
  EXPECT_EQ(settings.node.drain_wait, seconds(10));
  EXPECT_EQ(settings.node.drain_rate, base::Rate{500});
  EXPECT_EQ(settings.log.level, base::LogLevel::trace);
  EXPECT_EQ(settings.log.format, base::LogFormat::json);
  EXPECT_FALSE(settings.log.connections);
  EXPECT_EQ(settings.admin.listen.value_or(base::Endpoint{}).text(), "10.0.0.1:9101");
  EXPECT_EQ(settings.admin.token_file, "/etc/holdfast/token");
  EXPECT_EQ(settings.admin.socket_mode, 0600U);
  EXPECT_EQ(settings.admin.socket_group, "operators");

  ASSERT_EQ(settings.listeners.size(), 1);
  const Listener& listener = settings.listeners.front();
  EXPECT_EQ(listener.name, "mqtt");
  ASSERT_EQ(listener.bind.size(), 3);
  EXPECT_EQ(listener.bind[2].text(), "unix:/run/mqtt.sock");
  EXPECT_EQ(listener.pool, "brokers");
  EXPECT_EQ(listener.max_connections, 16'000'000);
  EXPECT_EQ(listener.handshake_timeout, milliseconds(200));
  EXPECT_EQ(listener.idle_timeout, minutes(90));
  EXPECT_EQ(listener.tcp_keepalive, seconds(0));
  EXPECT_EQ(listener.tcp_user_timeout, seconds(20));

  ASSERT_EQ(settings.pools.size(), 2);
  const Pool& pool = settings.pools.front();
  EXPECT_EQ(pool.name, "brokers");
  EXPECT_EQ(pool.policy, Policy::hash);
  EXPECT_EQ(pool.connect_timeout, milliseconds(10));
  EXPECT_EQ(pool.retries, 16);
  EXPECT_EQ(pool.resolve_interval, hours(24));
  ASSERT_EQ(pool.servers.size(), 1);
  EXPECT_EQ(pool.servers.front().name, "b1");
  EXPECT_EQ(pool.servers.front().address.text(), "b1.example.com:1883");
  EXPECT_EQ(pool.servers.front().weight, 0);
}

TEST(ParseFile, ReadsTheKeysOfAdmission) {
  const Settings settings = good("every_key.toml");
  EXPECT_EQ(settings.node.max_connections, 1000);
  const Listener& listener = settings.listeners.front();
  EXPECT_EQ(listener.max_connections_per_address, 20);
  EXPECT_EQ(listener.address_prefix_ipv6, 56);
  EXPECT_EQ(listener.accept_rate, base::Rate{200});
  EXPECT_EQ(listener.accept_burst, 400);
  EXPECT_EQ(listener.accept_rate_per_address, base::Rate{0.5});
  EXPECT_EQ(listener.accept_burst_per_address, 5);
  ASSERT_EQ(listener.allow.size(), 3);
  EXPECT_EQ(listener.allow[1].text(), "::1/128");
  EXPECT_EQ(listener.deny.front().text(), "10.0.0.7/32");
  EXPECT_EQ(listener.proxy_protocol, ProxyIn::optional);
  EXPECT_EQ(listener.proxy_protocol_timeout, seconds(1));
  EXPECT_EQ(listener.proxy_protocol_from.front().text(), "10.1.0.0/16");
  EXPECT_EQ(listener.max_age, hours(168));
  EXPECT_EQ(listener.max_age_jitter, 0.25);
}

TEST(ParseFile, ReadsTheKeysOfAPool) {
  const Pool pool = good("every_key.toml").pools.front();
  EXPECT_EQ(pool.hash_load_bound, 1.5);
  EXPECT_EQ(pool.slow_start, minutes(1));
  EXPECT_EQ(pool.queue, 1000);
  EXPECT_EQ(pool.queue_timeout, seconds(3));
  EXPECT_EQ(pool.when_all_down, WhenAllDown::queue);
  ASSERT_EQ(pool.source_addresses.size(), 2);
  EXPECT_EQ(pool.source_addresses[1].host, "fd00::5");
  EXPECT_EQ(pool.proxy_protocol, ProxyOut::v2);
  EXPECT_EQ(pool.on_down, OnDown::close);
  EXPECT_EQ(pool.on_remove, OnRemove::keep);
  EXPECT_EQ(pool.drain_rate, base::Rate{50});
  EXPECT_EQ(pool.drain_deadline, seconds(0));
  const Server& server = pool.servers.front();
  EXPECT_EQ(server.max_connections, 5000);
  EXPECT_EQ(server.max_accept_rate, base::Rate{100});
  EXPECT_TRUE(server.backup);
  ASSERT_TRUE(pool.passive.has_value());
  EXPECT_EQ(pool.passive->errors, 3);
  EXPECT_EQ(pool.passive->eject_max, minutes(1));
  EXPECT_EQ(pool.passive->eject_share, 0.25);
  EXPECT_EQ(pool.passive->early_close, seconds(0));
  ASSERT_TRUE(pool.discovery.has_value());
  EXPECT_EQ(pool.discovery->path, "/etc/holdfast/brokers.json");
  EXPECT_TRUE(pool.discovery->allow_shrink);
}

TEST(ParseFile, ReadsTheKeysOfHealth) {
  const Health health = good("every_key.toml").pools.front().health.value_or(Health{});
  EXPECT_EQ(health.type, HealthType::script);
  EXPECT_EQ(health.address.value_or(base::Endpoint{}).host, "10.0.0.9");
  EXPECT_EQ(health.port, 8080);
  EXPECT_EQ(health.fast_interval, milliseconds(100));
  EXPECT_EQ(health.down_interval, seconds(5));
  EXPECT_EQ(health.jitter, 0);
  EXPECT_EQ(health.timeout, milliseconds(500));
  EXPECT_EQ(health.fall, 100);
  EXPECT_EQ(health.panic_threshold, 0);
  EXPECT_EQ(health.agent_port, 9999);
  EXPECT_EQ(health.agent_send, "state\n");
  ASSERT_EQ(health.steps.size(), 2);
  EXPECT_EQ(health.steps[0].send, "PING ${host}:${port}\r\n");
  EXPECT_EQ(health.steps[1].expect_hex, "+PONG");
}

TEST(ParseFile, ReadsTheKeysOfAnHttpCheck) {
  const Health health = good("every_key.toml").pools.back().health.value_or(Health{});
  EXPECT_EQ(health.type, HealthType::http);
  EXPECT_EQ(health.method, "HEAD");
  ASSERT_EQ(health.headers.size(), 2);
  EXPECT_EQ(health.headers[0].value, "broker.example.com");
  EXPECT_EQ(health.headers[1].value, "");
  ASSERT_EQ(health.status.size(), 2);
  EXPECT_EQ(health.status[0].last, 200);
  EXPECT_EQ(health.status[1].first, 204);
  EXPECT_EQ(health.body, "ok");
}

TEST(ParseFile, APoolHasNoChecksUnlessItSaysSo) {
  const Pool pool = good("minimal.toml").pools.front();
  EXPECT_FALSE(pool.health.has_value());
  EXPECT_FALSE(pool.passive.has_value());
  EXPECT_FALSE(pool.discovery.has_value());
}

TEST(ParseFile, FillsInTheDefaultsOfABroker) {
  const Settings settings = good("broker.toml");
  EXPECT_TRUE(settings.listeners.empty());
  const Broker& broker = settings.broker;
  ASSERT_EQ(broker.listeners.size(), 3U);
  const BrokerListener& external = broker.listeners[0];
  EXPECT_EQ(external.protocol, BrokerProtocol::mqtt);
  EXPECT_EQ(external.max_connections, 100'000U);
  EXPECT_EQ(external.connect_timeout, seconds(10));
  EXPECT_EQ(external.mountpoint, "");
  EXPECT_FALSE(external.anonymous.has_value());
  EXPECT_FALSE(external.inflight_max.has_value());
  EXPECT_EQ(broker.session_expiry_max, hours(2));
  EXPECT_EQ(broker.awaiting_rel_max, 1000U);
  EXPECT_EQ(broker.keepalive_factor, 1.5);
  EXPECT_EQ(broker.shared_strategy, SharedStrategy::round_robin);
  EXPECT_EQ(broker.sys_interval, minutes(1));
  EXPECT_EQ(broker.queue.max_bytes, base::Bytes{1 << 20});
  EXPECT_FALSE(broker.queue.store_qos0);
  EXPECT_EQ(broker.retained.max_messages, 1'000'000U);
  EXPECT_EQ(broker.delayed.max_messages, 100'000U);
  EXPECT_EQ(settings.auth.cache_time, minutes(10));
  EXPECT_EQ(settings.auth.threads, 2U);
}

TEST(ParseFile, ReadsTheKeysOfABroker) {
  const Settings settings = good("broker.toml");
  const Broker& broker = settings.broker;
  EXPECT_EQ(broker.listeners[1].anonymous, Anonymous::allow);
  EXPECT_EQ(broker.listeners[2].protocol, BrokerProtocol::websocket);
  EXPECT_EQ(broker.listeners[2].path, "/mqtt");
  EXPECT_EQ(broker.listeners[2].mountpoint, "site/%u/");
  EXPECT_EQ(broker.listeners[2].proxy_protocol, ProxyIn::required);
  EXPECT_EQ(broker.queue.max_length, 10U);
  EXPECT_EQ(broker.queue.when_full, WhenFull::disconnect);
  EXPECT_EQ(broker.retained.expiry, hours(24));
  EXPECT_EQ(broker.delayed.max_delay, hours(1));
  ASSERT_EQ(broker.rewrite.size(), 1U);
  EXPECT_EQ(broker.rewrite[0].action, RewriteOf::publish);
  EXPECT_EQ(broker.rewrite[0].to, "new/$2/$1");
  ASSERT_EQ(broker.auto_subscribe.size(), 1U);
  EXPECT_EQ(broker.auto_subscribe[0].retain_handling, WhichRetained::if_new);
  ASSERT_EQ(settings.auth.chain.size(), 1U);
  EXPECT_EQ(settings.auth.chain[0].path, "/etc/holdfast/users.toml");
  ASSERT_TRUE(settings.auth.acl.has_value());
  EXPECT_EQ(settings.auth.acl->no_match, AclNoMatch::deny);
}

TEST(LimitsOf, AListenerAreThoseOfTheBrokerWhereItSaysNothing) {
  const Broker broker = good("broker.toml").broker;
  const ClientLimits external = limits_of(broker, broker.listeners[0]);
  EXPECT_EQ(external, static_cast<const ClientLimits&>(broker));
  EXPECT_EQ(external.byte_rate, base::Bytes{65'536});
  const ClientLimits internal = limits_of(broker, broker.listeners[1]);
  EXPECT_EQ(internal.packet_size_max, base::Bytes{16 << 20});
  EXPECT_EQ(internal.qos_max, 1U);
  EXPECT_EQ(internal.session_expiry_max, seconds(0));
  EXPECT_EQ(internal.byte_rate, base::Bytes{0});
  EXPECT_EQ(internal.inflight_max, 64U);
}

TEST(ParseFile, KeepsTheOrderOfTheFile) {
  const Settings settings = good("several.toml");
  EXPECT_FALSE(settings.admin.listen.has_value());
  ASSERT_EQ(settings.pools.size(), 2);
  EXPECT_EQ(settings.pools[0].name, "a");
  ASSERT_EQ(settings.pools[0].servers.size(), 2);
  EXPECT_EQ(settings.pools[0].servers[1].name, "two");
  EXPECT_EQ(settings.pools[1].servers.front().address.kind, base::Endpoint::Kind::unix_path);
  ASSERT_EQ(settings.listeners.size(), 2);
  EXPECT_EQ(settings.listeners[1].name, "b");
}

TEST(ParseFile, SaysWhyAFileCannotBeRead) {
  const auto first_line = [](const std::string& path) {
    const auto parsed = parse_file(path);
    return parsed.faults.size() == 1 && !parsed.settings ? to_text(parsed.faults.front()) : "not one fault";
  };
  EXPECT_EQ(first_line("/nowhere/edge.toml"), "/nowhere/edge.toml: cannot be read (open: No such file or directory)");
  EXPECT_EQ(first_line("/"), "/: cannot be read (read: Is a directory)");
  EXPECT_EQ(first_line("/dev/zero"), "/dev/zero: too large; a configuration has at most 16MiB");
}

TEST(ParseText, TakesTextUpToItsLimit) {
  std::string text(example_file());
  text.resize(kTextBytesMax, '\n');
  EXPECT_TRUE(parse_text(text, "f").settings.has_value());
  text += '\n';
  EXPECT_FALSE(parse_text(text, "f").settings.has_value());
}

TEST(ParseText, SurvivesAnyDepth) {
  for (const std::string_view piece : {"[", "{", "a.", "[a.", "{a=", "[{a.a=", "\"\".", "a.a.a.a=[{"}) {
    for (const std::string_view before : {"", "x = ", "[x]\ny = ["}) {
      std::string text(before);
      while (text.size() < 1'000'000) text += piece;
      EXPECT_EQ(parse_text(text, "f").faults.size(), 1) << before << piece;
    }
  }
}

TEST(ParseText, ListsAtMostAThousandFaults) {
  std::string text(example_file());
  for (int i = 0; i < 1'500; ++i) text += "unknown_" + std::to_string(i) + " = 1\n";
  const auto faults = parse_text(text, "f").faults;
  ASSERT_EQ(faults.size(), Faults::kMax + 1);
  EXPECT_EQ(to_text(faults.back()), "f: 500 more faults are not listed");
}

TEST(ParseText, SurvivesBeingCutAtEveryByte) {
  const std::string_view text = example_file();
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto parsed = parse_text(text.substr(0, cut), "f");
    ASSERT_EQ(parsed.settings.has_value(), parsed.faults.empty()) << cut;
    ASSERT_TRUE(std::ranges::is_sorted(parsed.faults, {}, [](const Fault& f) { return std::pair(f.line, f.column); }));
  }
}

}  // namespace
}  // namespace holdfast::config
