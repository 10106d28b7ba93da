// Whatever two configurations are: the difference names what differs, and nothing else.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "config/difference.h"
#include "config/schema_samples.h"

namespace holdfast::config {
namespace {

constexpr int kPairs = 300;

class RandomSettings {
 public:
  explicit RandomSettings(std::uint32_t seed) : random_(seed) {}

  Settings make() {
    Value root{Members{}};
    for (const char* section : {"node.", "log.", "admin."}) put_some(root, section);
    for (const char* section : {"broker.", "auth."}) {
      if (one_of(2)) put_some(root, section);
    }
    Settings settings = settings_of(with_listener(std::move(root)));
    if (one_of(2)) settings.auth.acl.reset();
    if (one_of(2)) settings.broker.listeners.clear();
    settings.listeners.clear();
    for (std::string& name : names()) settings.listeners.emplace_back(listener(std::move(name)));
    for (std::string& name : names()) settings.pools.emplace_back(pool(std::move(name)));
    return settings;
  }

  // The same, but for a few keys and tables.
  Settings touch(Settings settings) {
    const Settings donor = make();
    if (one_of(2)) settings.node = donor.node;
    if (one_of(2)) settings.broker = donor.broker;
    if (one_of(2)) settings.auth = donor.auth;
    if (one_of(2)) std::ranges::shuffle(settings.pools, random_);
    for (Pool& each : settings.pools) {
      if (one_of(3)) each = pool(each.name);
      if (one_of(3)) std::ranges::shuffle(each.servers, random_);
      if (one_of(3) && !each.servers.empty()) each.servers.pop_back();
    }
    for (Listener& each : settings.listeners) {
      if (one_of(3)) each = listener(each.name);
    }
    return settings;
  }

 private:
  bool one_of(int n) { return std::uniform_int_distribution(1, n)(random_) == 1; }

  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const char* name : {"a", "b", "c", "d"}) {
      if (one_of(2)) names.emplace_back(name);
    }
    std::ranges::shuffle(names, random_);
    return names;
  }

  // Each key of `section`, not of those in it: one value, the other one, or the default.
  void put_some(Value& root, std::string_view section) {
    for (const Sample& each : samples()) {
      if (!each.path.starts_with(section)) continue;
      const bool required = each.path.ends_with(".bind") || each.path.ends_with(".path") ||
                            each.path == "listener.pool" || each.path == "pool.server.address" ||
                            each.path.starts_with("broker.rewrite.") || each.path == "broker.auto_subscribe.filter" ||
                            each.path == "auth.chain.module";
      if (!required && one_of(3)) continue;
      put(root, each.path, toml_value(one_of(2) || each.other.empty() ? each.one : each.other));
    }
  }

  static Value with_listener(Value root) {
    put(root, "listener.bind", toml_value("[\"127.0.0.1:0\"]"));
    put(root, "listener.pool", toml_value("\"p\""));
    return root;
  }

  Listener listener(std::string name) {
    Value root{Members{}};
    put_some(root, "listener.");
    Listener made = settings_of(root).listeners.at(0);
    made.name = std::move(name);
    return made;
  }

  Pool pool(std::string name) {
    Value root = with_listener(Value{Members{}});
    put_some(root, "pool.");
    Pool made = settings_of(root).pools.at(0);
    if (one_of(4)) made.health.reset();
    if (one_of(4)) made.passive.reset();
    if (one_of(4)) made.discovery.reset();
    made.name = std::move(name);
    made.servers.clear();
    for (std::string& each : names()) made.servers.push_back(server(std::move(each)));
    return made;
  }

  Server server(std::string name) {
    Value root = with_listener(Value{Members{}});
    put_some(root, "pool.server.");
    Server made = settings_of(root).pools.at(0).servers.at(0);
    made.name = std::move(name);
    return made;
  }

  std::mt19937 random_;
};

// What a file says, without the engine that is tested: every section by its path, and the text of its keys.
struct Flat {
  std::set<std::string> sections;
  std::map<std::string, std::string> keys;            // "pool a, server b: weight"
  std::map<std::string, std::vector<Value>> servers;  // names by pool
};

void flatten(const TableShape& shape, const Value& table, const std::string& place, const std::string& prefix,
             Flat& to) {
  for (const KeyShape& key : shape.keys) {
    const Value* value = table.find(key.name);
    if (value == nullptr && key.shape.form != Shape::Form::value) continue;
    const std::string inner = place.empty() ? "" : place + ", ";
    if (key.shape.form == Shape::Form::table) {
      to.sections.insert(inner + key.name);
      flatten(*key.shape.table, *value, place.empty() ? key.name : place, place.empty() ? "" : prefix + key.name + ".",
              to);
    } else if (key.shape.form == Shape::Form::tables && has_names(*key.shape.table)) {
      for (const Value& each : *value->as<List>()) {
        const std::string name = inner + key.name + " " + *each.find("name")->as<std::string>();
        to.sections.insert(name);
        if (key.name == "server") to.servers[place].push_back(*each.find("name"));
        flatten(*key.shape.table, each, name, "", to);
      }
    } else {
      to.keys[place + ": " + prefix + key.name] = value != nullptr ? full_toml(*value) : key.fallback.text();
    }
  }
}

Flat flat(const Settings& settings) {
  Flat to;
  flatten(*schema().shape.table, schema().write(settings).value(), "", "", to);
  return to;
}

// Whether the section that `place` is in is there in both; places in a new one are new with it.
bool outer_in_both(const std::string& place, const Flat& a, const Flat& b) {
  const auto comma = place.rfind(", ");
  if (comma == std::string::npos) return true;
  const std::string outer = place.substr(0, comma);
  return a.sections.contains(outer) && b.sections.contains(outer);
}

std::multiset<std::string> wanted_texts(const Flat& from, const Flat& to) {
  std::multiset<std::string> texts;
  for (const std::string& each : from.sections) {
    if (!to.sections.contains(each) && outer_in_both(each, from, to)) texts.insert(each + ": removed");
  }
  for (const std::string& each : to.sections) {
    if (!from.sections.contains(each) && outer_in_both(each, from, to)) texts.insert(each + ": added");
  }
  for (const auto& [key, text] : from.keys) {
    const auto other = to.keys.find(key);
    if (other != to.keys.end() && other->second != text) texts.insert(key + " " + text + " -> " + other->second);
  }
  return texts;
}

std::multiset<std::string> found_texts(const std::vector<Change>& changes) {
  std::multiset<std::string> texts;
  for (const Change& each : changes) {
    if (each.key != "server") texts.insert(to_text(each));
  }
  return texts;
}

std::vector<std::string> common(const std::vector<Value>& names, const std::vector<Value>& others) {
  std::vector<std::string> found;
  for (const Value& each : names) {
    const auto same = [&](const Value& other) { return *other.as<std::string>() == *each.as<std::string>(); };
    if (std::ranges::any_of(others, same)) found.push_back(*each.as<std::string>());
  }
  return found;
}

std::size_t orders_wanted(Flat& from, Flat& to) {
  std::size_t count = 0;
  for (auto& [pool, names] : from.servers) {
    count += common(names, to.servers[pool]) != common(to.servers[pool], names) ? 1U : 0U;
  }
  return count;
}

bool needs_restart(const Change& change) { return change.applies == Applies::restart; }

std::vector<Change> of_restart(std::vector<Change> changes) {
  std::erase_if(changes, std::not_fn(needs_restart));
  return changes;
}

std::vector<Change> of_reload(std::vector<Change> changes) {
  std::erase_if(changes, needs_restart);
  return changes;
}

TEST(DifferenceOfRandomSettings, NamesExactlyWhatDiffers) {
  RandomSettings random(4);
  std::size_t found_total = 0;
  for (int i = 0; i < kPairs; ++i) {
    SCOPED_TRACE(i);
    const Settings running = random.make();
    const Settings wanted = i % 2 == 0 ? random.touch(running) : random.make();
    const auto changes = difference(running, wanted);
    Flat from = flat(running);
    Flat to = flat(wanted);
    ASSERT_EQ(found_texts(changes), wanted_texts(from, to));
    ASSERT_EQ(std::ranges::count(changes, "server", &Change::key), orders_wanted(from, to));
    ASSERT_TRUE(difference(wanted, wanted).empty());
    found_total += changes.size();
  }
  EXPECT_GT(found_total, 10U * kPairs);
}

TEST(DifferenceOfRandomSettings, IsDoneByAReloadAndARestart) {
  RandomSettings random(5);
  std::size_t kept_total = 0;
  for (int i = 0; i < kPairs; ++i) {
    SCOPED_TRACE(i);
    const Settings running = random.make();
    const Settings wanted = random.touch(running);
    const Settings reloaded = without_restart(running, wanted);
    const auto changes = difference(running, wanted);
    ASSERT_EQ(difference(running, reloaded), of_reload(changes));
    ASSERT_EQ(difference(reloaded, wanted), of_restart(changes));
    ASSERT_EQ(without_restart(running, reloaded), reloaded);
    kept_total += of_restart(changes).size();
  }
  EXPECT_GT(kept_total, 100U);
}

TEST(DifferenceOfRandomSettings, WhatIsWrittenIsReadBack) {
  RandomSettings random(6);
  for (int i = 0; i < 100; ++i) {
    const Settings settings = random.make();
    if (settings.listeners.empty()) continue;  // no file is without
    const Value written = schema().write(settings).value();
    ASSERT_EQ(settings_of(written), settings);
    ASSERT_EQ(settings_of(toml_value(full_toml(written))), settings);
  }
}

TEST(Schema, WritesBackAServerThatIsCalledByItsAddress) {
  const Settings settings = settings_of(
      toml_value("{listener = [{name = \"l\", bind = [\"0.0.0.0:1\"], pool = \"p\"}], "
                 "pool = [{name = \"p\", server = [{address = \"b.local:1\"}, {address = \"unix:/a\"}]}]}"));
  ASSERT_EQ(settings.pools.at(0).servers.at(0).name, "b.local:1");
  EXPECT_EQ(settings_of(schema().write(settings).value()), settings);
}

}  // namespace
}  // namespace holdfast::config
