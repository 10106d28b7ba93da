// Random valid configurations, applied one after the other to a gateway that has connections: whoever is not concerned
// stays, the counts add up, and what there is at last is what a gateway has that began so.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "gateway/gateway_rig.h"

namespace holdfast::gateway {
namespace {

constexpr int kSteps = 25;
constexpr std::size_t kClientsMax = 40;
const std::vector<std::string> kNames{"one", "two", "three", "four"};
const std::vector<std::string> kPoolNames{"keeps", "closes", "keeps-too"};

std::string on_remove(const std::string& pool) { return pool == "closes" ? "close" : "keep"; }

// What was drawn, and the file that says it.
struct Drawn {
  std::map<std::string, std::string> pools_of;           // by listener
  std::map<std::string, std::set<std::string>> servers;  // by pool: letters
  std::string text;
};

class Draw {
 public:
  explicit Draw(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] std::uint32_t below(std::size_t count) {
    return std::uniform_int_distribution<std::uint32_t>(0, static_cast<std::uint32_t>(count) - 1)(random_);
  }
  [[nodiscard]] bool one_in(std::size_t count) { return below(count) == 0; }
  [[nodiscard]] const std::string& one_of(const std::vector<std::string>& all) { return all[below(all.size())]; }
  // At least one of them.
  [[nodiscard]] std::vector<std::string> some_of(std::vector<std::string> all) {
    std::ranges::shuffle(all, random_);
    all.resize(1 + below(all.size()));
    return all;
  }

  // One listener, whichever, has `address`; the others have any. `workers`: as many as there have been, at least.
  [[nodiscard]] Drawn configuration(const std::string& address, std::uint32_t& workers) {
    Drawn drawn;
    workers = std::max(workers, 1 + below(4));
    drawn.text = "[node]\nworkers = " + std::to_string(workers) + "\n";
    const std::vector<std::string> pools = some_of(kPoolNames);
    for (const std::string& pool : pools) add_pool(drawn, pool);
    bool has_address = false;
    for (const std::string& name : some_of(kNames)) {
      add_listener(drawn, name, one_of(pools), has_address ? "127.0.0.1:0" : address);
      has_address = true;
    }
    return drawn;
  }

 private:
  void add_pool(Drawn& drawn, const std::string& pool) {
    drawn.text += "[[pool]]\nname = \"" + pool + "\"\nslow_start = \"0s\"\non_remove = \"" + on_remove(pool) + "\"\n";
    drawn.text += "policy = \"" + one_of({"round_robin", "least_connections", "hash"}) + "\"\n";
    if (one_in(3)) drawn.text += "queue = 10\nwhen_all_down = \"queue\"\n";
    for (const std::string& letter : some_of({"a", "b"})) {
      drawn.servers[pool].insert(letter);
      drawn.text += "[[pool.server]]\nname = \"" + letter + "\"\naddress = \"%" + letter + "\"\n";
      drawn.text += "weight = " + std::to_string(1 + below(100)) + "\n";
    }
  }
  void add_listener(Drawn& drawn, const std::string& name, const std::string& pool, const std::string& bind) {
    drawn.pools_of[name] = pool;
    drawn.text += "[[listener]]\nname = \"" + name + "\"\nbind = [\"" + bind + "\"]\npool = \"" + pool + "\"\n";
    drawn.text += "max_connections = " + std::to_string(1000 + below(3)) + "\n";
    if (one_in(3)) drawn.text += "max_connections_per_address = " + std::to_string(500 + below(3)) + "\n";
    if (one_in(3)) drawn.text += "idle_timeout = \"" + std::to_string(1 + below(3)) + "h\"\n";
    if (one_in(3)) drawn.text += "max_age = \"" + std::to_string(1 + below(3)) + "h\"\n";
    if (one_in(3)) drawn.text += "accept_rate_per_address = \"10000/s\"\n";
  }

  std::mt19937 random_;
};

struct Live {
  std::string listener;
  std::string pool;
  std::string server;
  Client client;
};

// How many connections each thing has, by its name.
using Counts = std::map<std::string, std::uint64_t>;

Counts counts_of(const Status& status) {
  Counts counts;
  for (const ListenerStatus& each : status.listeners) {
    counts["listener " + each.name] += each.connections;
  }
  for (const PoolStatus& pool : status.pools) {
    counts["pool " + pool.name] += pool.connections;
    counts["waiting " + pool.name] += pool.waiting;
    for (const ServerStatus& server : pool.servers) {
      counts["server " + pool.name + "/" + server.name] += server.connections;
    }
  }
  for (const WorkerStatus& worker : status.workers) counts["workers"] += worker.connections;
  std::erase_if(counts, [](const auto& each) { return each.second == 0; });
  return counts;
}

Counts counts_of(const std::vector<Live>& clients) {
  Counts counts;
  for (const Live& each : clients) {
    for (const std::string& what :
         {"listener " + each.listener, "pool " + each.pool, "server " + each.pool + "/" + each.server}) {
      ++counts[what];
    }
    ++counts["workers"];
  }
  return counts;
}

// What does not depend on how it came to be, but for ports that the kernel has chosen.
std::set<std::string> picture_of(const Status& status) {
  std::set<std::string> picture;
  for (const ListenerStatus& each : status.listeners) {
    picture.insert("listener " + each.name + " " + each.state + " " + each.pool + " " +
                   std::to_string(each.addresses.size()) + " " + std::to_string(each.max_connections));
  }
  for (const PoolStatus& pool : status.pools) {
    picture.insert("pool " + pool.name + " " + pool.policy);
    for (const ServerStatus& each : pool.servers) {
      picture.insert("server " + pool.name + "/" + each.name + " " + each.address + " " + each.state + " " + each.mode +
                     " " + each.origin + " " + std::to_string(each.weight) + " " + std::to_string(each.weight_now) +
                     (each.leaving ? " leaving" : ""));
    }
  }
  picture.insert("workers " + std::to_string(status.workers.size()));
  picture.insert("free descriptors " + std::to_string(status.descriptors_free));
  return picture;
}

class RandomReconfiguring : public testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr const char* kFirst =
      "[node]\nworkers = 1\n[[listener]]\nname = \"first\"\nbind = [\"127.0.0.1:0\"]\npool = \"keeps\"\n"
      "[[pool]]\nname = \"keeps\"\non_remove = \"keep\"\n[[pool.server]]\nname = \"a\"\naddress = \"%a\"\n";

  void apply(const Drawn& drawn) {
    now = drawn;
    rig.apply(drawn.text);
    end_doomed();
  }
  // Those whose server has left a pool that closes then, and nobody else.
  void end_doomed() {
    std::erase_if(clients, [this](const Live& each) {
      const auto pool = now.servers.find(each.pool);
      const bool stays = pool != now.servers.end() && pool->second.contains(each.server);
      if (stays || on_remove(each.pool) == "keep") return false;
      rig.until([&each] { return each.client.has_ended(); });
      return true;
    });
  }
  void connect() {
    const std::vector<std::string> listeners = accepting();
    if (listeners.empty() || clients.size() == kClientsMax) return;
    const std::string& listener = draw.one_of(listeners);
    Client client(rig.address(listener));
    const std::string got = client.ask("?");
    const std::string& pool = now.pools_of.at(listener);
    ASSERT_EQ(got.size(), 2U) << listener;
    const std::string letter = got.substr(0, 1);
    EXPECT_TRUE(now.servers.at(pool).contains(letter)) << listener << " has reached " << letter;
    clients.push_back({listener, pool, letter, std::move(client)});
  }
  void disconnect() {
    if (clients.empty()) return;
    clients.erase(clients.begin() + draw.below(clients.size()));
  }
  [[nodiscard]] std::vector<std::string> accepting() const {
    std::vector<std::string> names;
    for (const ListenerStatus& each : rig.gateway->status().listeners) {
      if (each.state == "accepting") names.push_back(each.name);
    }
    return names;
  }
  void expect_that_all_live() {
    for (Live& each : clients) EXPECT_EQ(each.client.ask("!"), each.server + "!") << each.listener << " " << each.pool;
    rig.until([this] { return counts_of(rig.gateway->status()) == counts_of(clients); });
    EXPECT_EQ(counts_of(rig.gateway->status()), counts_of(clients));
    EXPECT_EQ(rig.gateway->connections(), clients.size());
    for (const ListenerStatus& each : rig.gateway->status().listeners) {
      std::uint64_t ended = 0;
      for (const auto& [reason, count] : each.closed) ended += count;
      EXPECT_EQ(each.connections + ended, each.connections_total) << each.name;
    }
  }
  // Not the one that has the address: it would be another's until the next change.
  void drain_one() {
    for (const ListenerStatus& each : rig.gateway->status().listeners) {
      if (each.state != "accepting" || each.addresses.at(0) == address) continue;
      EXPECT_TRUE(rig.gateway->drain_listener(each.name, {}));
      return;
    }
  }
  void drain_and_resume() {
    rig.gateway->drain({}, [](std::uint64_t) {});
    rig.until([this] { return Client(address).ask("?").empty(); });
    rig.gateway->resume();
  }
  void expect_to_be_refused() {
    const std::string elsewhere = "[[listener]]\nname = \"no\"\nbind = [\"192.0.2.1:80\"]\npool = \"";
    Drawn other = draw.configuration(address, workers);
    EXPECT_NE(rig.refusal(other.text + elsewhere + other.servers.begin()->first + "\"\n"), "");
  }
  void expect_to_be_as_if_it_had_begun_so() {
    std::string text = now.text;
    for (const auto& [mark, server] : {std::pair("%a", &rig.a), std::pair("%b", &rig.b)}) {
      for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
        text.replace(at, 2, server->address());
      }
    }
    text.replace(text.find(address), address.size(), "127.0.0.1:0");  // the other one has it
    const GatewayRig begun(text);
    const auto wanted = picture_of(begun.gateway->status());
    rig.until([&] { return picture_of(rig.gateway->status()) == wanted; });
    EXPECT_EQ(picture_of(rig.gateway->status()), wanted);
  }

  Draw draw{GetParam()};
  GatewayRig rig{kFirst};
  const std::string address = rig.address("first");
  std::uint32_t workers = 1;
  Drawn now{.pools_of = {{"first", "keeps"}}, .servers = {{"keeps", {"a"}}}, .text = kFirst};
  std::vector<Live> clients;
};

TEST_P(RandomReconfiguring, WhoIsNotConcernedStaysAndAllIsAsIfItHadBegunSo) {
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    for (std::uint32_t i = draw.below(6); i > 0; --i) connect();
    for (std::uint32_t i = draw.below(4); i > 0; --i) disconnect();
    if (draw.one_in(4)) drain_one();
    if (step > 0 && draw.one_in(8)) drain_and_resume();
    if (draw.one_in(8)) expect_to_be_refused();
    apply(draw.configuration(address, workers));
    if (draw.one_in(3)) apply(draw.configuration(address, workers));  // before workers have seen the one before
    expect_that_all_live();
  }
  clients.clear();
  expect_that_all_live();
  expect_to_be_as_if_it_had_begun_so();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomReconfiguring, testing::Range(1U, 9U));

}  // namespace
}  // namespace holdfast::gateway
