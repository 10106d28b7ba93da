#include "config/difference.h"

#include <set>

#include "config/schema_samples.h"

namespace holdfast::config {
namespace {

using Kind = Change::Kind;

// The paths of all keys that have values, as the schema has them.
void add_paths(const TableShape& table, const std::string& path, std::set<std::string>& paths) {
  for (const KeyShape& key : table.keys) {
    const std::string inner = join(path, key.name);
    if (key.shape.table != nullptr) add_paths(*key.shape.table, inner, paths);
    if (key.shape.table == nullptr) paths.insert(inner);
  }
}

// The list that the key at `path` is in, when its tables have no names: it is one value.
std::string_view unnamed_list_of(std::string_view path) {
  for (const std::string_view list : {"pool.health.step", "broker.rewrite", "broker.auto_subscribe", "auth.chain"}) {
    if (path.starts_with(list) && path.substr(list.size()).starts_with('.')) return list;
  }
  return "";
}

// Which change a change of the key at `path` is: in which section, and what it is called there.
struct Called {
  std::vector<Name> where;
  std::string key;
};

Called called(std::string_view path) {
  if (path.starts_with("listener.")) return {{{"listener", "l"}}, std::string(path.substr(9))};
  if (path.starts_with("pool.server.")) return {{{"pool", "p"}, {"server", "s"}}, std::string(path.substr(12))};
  if (path.starts_with("pool.health.step.")) return {{{"pool", "p"}}, "health.step"};
  if (path.starts_with("pool.")) return {{{"pool", "p"}}, std::string(path.substr(5))};
  if (path.starts_with("broker.listener.")) {
    return {{{"broker", ""}, {"listener", "bl"}}, std::string(path.substr(16))};
  }
  if (const std::string_view list = unnamed_list_of(path); !list.empty()) {
    const auto dot = list.find('.');
    return {{{std::string(list.substr(0, dot)), ""}}, std::string(list.substr(dot + 1))};
  }
  const auto dot = path.find('.');
  return {{{std::string(path.substr(0, dot)), ""}}, std::string(path.substr(dot + 1))};
}

// A duration as the shortest text that says the same: "1m" for "60s".
std::string shortest(const Value& value) {
  const auto* text = value.as<std::string>();
  const auto duration = text != nullptr ? base::parse_duration(*text) : base::Error{};
  return duration ? full_toml({base::to_text(*duration)}) : full_toml(value);
}

// What the schema says that a key is when it is left out, as it is shown; empty when it cannot be.
std::string default_of(std::string_view path) {
  const TableShape* table = schema().shape.table.get();
  const KeyShape* key = nullptr;
  for (std::string rest(path); !rest.empty();) {
    const std::string name = rest.substr(0, rest.find('.'));
    rest.erase(0, name.size() + 1);
    key = &*std::ranges::find(table->keys, name, &KeyShape::name);
    table = key->shape.table.get();
  }
  return key->fallback.value() != nullptr ? shortest(*key->fallback.value()) : "";
}

// The one table of a list without names, where the key at `path` is `text`; in the order of the samples, which is that
// of the schema.
std::string only_table(std::string_view list, std::string_view path, std::string_view text) {
  std::string all;
  for (const Sample& each : samples()) {
    if (unnamed_list_of(each.path) != list) continue;
    const std::string written(each.path == path ? text : each.one);
    if (written == default_of(each.path)) continue;
    all += (all.empty() ? "" : ", ") + each.path.substr(list.size() + 1) + " = " + written;
  }
  return "[{" + all + "}]";
}

// How `text` at `path` is shown.
std::string shown(std::string_view path, std::string_view text) {
  const std::string_view list = unnamed_list_of(path);
  return list.empty() ? std::string(text) : only_table(list, path, text);
}

std::string texts_of(const std::vector<Change>& changes) {
  std::string lines;
  for (const Change& each : changes) lines += to_text(each) + " (" + std::string(to_text(each.applies)) + ")\n";
  return lines;
}

std::string difference_text(const Settings& running, const Settings& wanted) {
  return texts_of(difference(running, wanted));
}

std::string changed_text(const Sample& sample, std::string_view from, std::string_view to, Applies applies) {
  const Called name = called(sample.path);
  const std::vector<Change> changes{
      {Kind::changed, name.where, name.key, shown(sample.path, from), shown(sample.path, to), applies}};
  return texts_of(changes);
}

TEST(Difference, HasASampleOfEveryKeyOfTheSchema) {
  std::set<std::string> paths;
  add_paths(*schema().shape.table, "", paths);
  for (const char* name : {"listener.name", "pool.name", "pool.server.name", "broker.listener.name"})
    paths.erase(name);  // what is compared
  std::set<std::string> sampled;
  for (const Sample& each : samples()) EXPECT_TRUE(sampled.insert(std::string(each.path)).second) << each.path;
  EXPECT_EQ(sampled, paths);
}

TEST(Difference, OfEqualSettingsIsNone) {
  const Settings all = settings_of(file_of_samples());
  EXPECT_EQ(difference_text(all, all), "");
  EXPECT_EQ(without_restart(all, all), all);
}

TEST(Difference, NamesTheKeyThatHasChanged) {
  const Settings running = settings_of(file_of_samples());
  for (const Sample& each : samples()) {
    if (each.other.empty()) continue;
    SCOPED_TRACE(each.path);
    Value root = file_of_samples();
    put(root, each.path, toml_value(each.other));
    const Settings wanted = settings_of(root);
    EXPECT_EQ(difference_text(running, wanted), changed_text(each, each.one, each.other, each.applies));
    EXPECT_EQ(without_restart(running, wanted), each.applies == Applies::restart ? running : wanted);
  }
}

TEST(Difference, NamesTheKeyThatIsNewOrGone) {
  const Settings all = settings_of(file_of_samples());
  for (const Sample& each : samples()) {
    const std::string fallback = default_of(each.path);
    if (fallback.empty()) continue;  // it cannot be left out
    SCOPED_TRACE(each.path);
    Value root = file_of_samples();
    if (each.path.starts_with("pool.health.step.")) {
      put(root, each.path, toml_value("\"\""));
    } else {
      leave_out(root, each.path);
    }
    const Settings without = settings_of(root);
    if (fallback == each.one) continue;  // there is only one value
    const Applies applies = each.path == "node.workers" ? Applies::restart : each.applies;
    EXPECT_EQ(difference_text(without, all), changed_text(each, fallback, each.one, applies));
    EXPECT_EQ(difference_text(all, without), changed_text(each, each.one, fallback, applies));
  }
}

TEST(Difference, NamesTablesThatAreNewOrGone) {
  struct Case {
    const char* path;
    const char* want;
  };
  const Settings all = settings_of(file_of_samples());
  for (const Case& c :
       {Case{"pool", "pool p"}, Case{"pool.health", "pool p, health"}, Case{"pool.passive", "pool p, passive"},
        Case{"pool.discovery", "pool p, discovery"}, Case{"pool.server", "pool p, server s"}}) {
    Value root = file_of_samples();
    leave_out(root, c.path);
    const Settings without = settings_of(root);
    EXPECT_EQ(difference_text(all, without), std::string(c.want) + ": removed (live)\n");
    EXPECT_EQ(difference_text(without, all), std::string(c.want) + ": added (live)\n");
    EXPECT_EQ(without_restart(all, without), without);
    EXPECT_EQ(without_restart(without, all), all);
  }
}

TEST(Difference, SaysOfTheBrokerThatItWaitsForARestart) {
  const Settings all = settings_of(file_of_samples());
  for (const auto& [path, place] : {std::pair{"broker.listener", "broker, listener bl"}, {"auth.acl", "auth, acl"}}) {
    Value root = file_of_samples();
    leave_out(root, path);
    const Settings without = settings_of(root);
    EXPECT_EQ(difference_text(all, without), std::string(place) + ": removed (restart)\n");
    EXPECT_EQ(difference_text(without, all), std::string(place) + ": added (restart)\n");
    EXPECT_EQ(without_restart(all, without), all);
    EXPECT_EQ(without_restart(without, all), without);
  }
}

TEST(Difference, ShowsOfAnInheritedKeyWhereItComesFrom) {
  const Settings all = settings_of(file_of_samples());
  Value root = file_of_samples();
  leave_out(root, "broker.listener.inflight_max");
  EXPECT_EQ(difference_text(all, settings_of(root)),
            "broker, listener bl: inflight_max 1 -> that of [broker] (restart)\n");
}

TEST(Difference, ANewNameIsAnotherOne) {
  const Settings all = settings_of(file_of_samples());
  for (const char* path : {"listener", "pool", "pool.server"}) {
    SCOPED_TRACE(path);
    Value root = file_of_samples();
    put(root, std::string(path) + ".name", Value{std::string("other")});
    const auto changes = difference(all, settings_of(root));
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].kind, Kind::removed);
    EXPECT_EQ(changes[1].kind, Kind::added);
    EXPECT_EQ(changes[1].where.back().name, "other");
  }
}

TEST(Difference, WorkersCanBeRaisedButNotLowered) {
  const auto applies = [](std::uint32_t running, std::uint32_t wanted) {
    Settings from;
    from.node.workers = running;
    Settings to;
    to.node.workers = wanted;
    const auto changes = difference(from, to);
    EXPECT_EQ(changes.size(), 1U);
    EXPECT_EQ(without_restart(from, to).node.workers, changes[0].applies == Applies::live ? wanted : running);
    return changes[0].applies;
  };
  EXPECT_EQ(applies(1, 256), Applies::live);
  EXPECT_EQ(applies(2, 1), Applies::restart);
  EXPECT_EQ(applies(0, 4), Applies::restart) << "nobody here knows how many there are";
  EXPECT_EQ(applies(4, 0), Applies::restart);
}

Pool pool_with(std::vector<std::string> names) {
  Pool pool;
  pool.name = "p";
  for (std::string& name : names) {
    pool.servers.emplace_back().name = std::move(name);
  }
  return pool;
}

std::string order_text(std::vector<std::string> running, std::vector<std::string> wanted) {
  Settings from;
  from.pools.push_back(pool_with(std::move(running)));
  Settings to;
  to.pools.push_back(pool_with(std::move(wanted)));
  return difference_text(from, to);
}

TEST(Difference, SaysWhenServersStandInAnotherOrder) {
  EXPECT_EQ(order_text({"a", "b", "c"}, {"a", "c", "b"}),
            "pool p: server [\"b\", \"c\"] -> [\"c\", \"b\"] (new_connections)\n");
  EXPECT_EQ(order_text({"a", "b"}, {"x", "a", "b"}), "pool p, server x: added (live)\n");
  EXPECT_EQ(order_text({"a", "b"}, {"b"}), "pool p, server a: removed (live)\n");
  EXPECT_EQ(order_text({"a", "b"}, {"b", "x", "a"}),
            "pool p, server x: added (live)\npool p: server [\"a\", \"b\"] -> [\"b\", \"a\"] (new_connections)\n");
}

TEST(Difference, TheOrderOfListenersAndPoolsIsNone) {
  Settings running;
  running.pools = {pool_with({"a"}), pool_with({"b"})};
  running.pools[1].name = "q";
  running.listeners.resize(2);
  running.listeners[0].name = "one";
  Settings wanted = running;
  std::ranges::reverse(wanted.pools);
  std::ranges::reverse(wanted.listeners);
  EXPECT_EQ(difference_text(running, wanted), "");
}

TEST(Difference, ShowsOfALongListWhatIsNew) {
  Settings running;
  running.listeners.resize(1);
  running.listeners[0].name = "l";
  for (int i = 0; i < 100; ++i) running.listeners[0].deny.push_back(*base::parse_cidr("10.0.0." + std::to_string(i)));
  Settings wanted = running;
  wanted.listeners[0].deny[50] = *base::parse_cidr("10.9.0.0/16");
  wanted.listeners[0].deny.push_back(*base::parse_cidr("::1"));
  EXPECT_EQ(difference_text(running, wanted),
            "listener l: deny [\"10.0.0.50/32\", 99 others] -> [\"10.9.0.0/16\", \"::1/128\", 99 others] "
            "(new_connections)\n");
}

}  // namespace
}  // namespace holdfast::config
