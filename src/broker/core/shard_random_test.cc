// Many clients do anything at all, in any order the node allows, and what they get is held against a simple model:
//   - nothing comes that was not subscribed to when it was published
//   - QoS 1 and 2 that the broker has acknowledged comes to every session that lives and had subscribed before
//   - QoS 2 never comes twice, QoS 1 twice only with DUP
//   - what one connection published to one topic comes in order
//   - in the end nothing is left.
// A round is a handful of deeds with any interleaving; after it everything settles. What falls into one round with a
// change of a subscription or session may come or not.
#include <gtest/gtest.h>

#include <map>

#include "broker/core/shard_testing.h"

namespace holdfast::broker {
namespace {

using namespace shard_testing;

struct FilterOfTest {
  const char* filter;
  Qos qos;
};
const FilterOfTest kFilters[] = {
    {"t/0", Qos::exactly_once},          {"t/+", Qos::at_least_once},          {"t/#", Qos::exactly_once},
    {"t/1/+", Qos::at_most_once},        {"+/2", Qos::at_least_once},          {"#", Qos::exactly_once},
    {"$share/g/s/+", Qos::exactly_once}, {"$share/h/s/#", Qos::at_least_once},
};
const char* const kTopics[] = {"t/0", "t/1", "t/2", "t/1/2", "s/0", "s/1"};

struct Published {
  std::string topic;
  Qos qos = Qos::at_most_once;
  int said_at = 0;
  std::size_t publisher = 0;
  int connection = 0;
  std::uint16_t packet_id = 0;
  bool is_taken = false;
};

class Model {
 public:
  explicit Model(std::uint64_t seed)
      : random_(seed), rig_(3, [this](ShardSettings& settings, ListenerLimits& limits) {
          settings.queue.queue_length_max = 100'000;
          settings.queue.queue_bytes_max = 1 << 30;
          settings.queue.store_qos0 = random_.below(2) == 0;
          settings.share_strategy = static_cast<ShareStrategy>(random_.below(6));
          limits.inflight_max = static_cast<std::uint16_t>(1 + random_.below(5));
          limits.topic_alias_max = 5;
          limits.awaiting_rel_max = 20;
        }) {
    for (unsigned i = 0; i < kClients; ++i) people_.push_back({&rig_.client("c" + std::to_string(i), i % 3), {}, {}});
  }

  void run(int rounds) {
    rig_.by_hand = true;
    for (int round = 0; round < rounds; ++round) {
      for (std::uint32_t deeds = 1 + random_.below(12); deeds > 0; --deeds) {
        ++now_;
        do_something(random_.below(kClients));
        for (std::uint32_t steps = random_.below(10); steps > 0; --steps) {
          (void)rig_.step(random_);
          if (random_.below(3) == 0) hear();
        }
      }
      settle();
      end_round();
    }
    finish();
  }

 private:
  static constexpr std::uint32_t kClients = 12;
  static constexpr int kEver = 1 << 30;
  static constexpr int kNever = kEver + 1;

  struct Subscribed {
    std::size_t filter = 0;
    int said_at = 0;
    int sure_from = kEver;  // SUBACK has come
    int sure_until = kEver;
    int open_until = kEver;  // nothing that is published later may come
    bool closing = false;    // UNSUBSCRIBE was said on this connection
  };
  struct Person {
    RigClient* client;
    std::vector<Subscribed> subscriptions;
    std::map<std::string, int> got;  // without retained ones
    std::set<std::string> owed = {};
    std::map<std::string, int> last = {};  // number, by publisher, connection, topic and QoS
    bool stays = false;                    // its session outlives the connection
    bool is_sure = false;                  // the session is there, and we know it
    bool awaits_connack = false;
    int sure_from = kEver;
    int connection = 0;
    std::map<std::uint16_t, std::string> unacknowledged = {};
  };

  void do_something(std::uint32_t who) {
    Person& person = people_[who];
    RigClient& client = *person.client;
    if (!client.is_connected()) {
      if (!person.awaits_connack || random_.below(3) == 0) connect(person);
      return;
    }
    switch (random_.below(16)) {
      case 0: return connect(person);  // while the old connection is still there
      case 1: return leave(person, [&] { client.vanish(); });
      case 2:
        return leave(person, [&] {
          client.disconnect();
          client.vanish();
        });
      case 3: client.acks = !client.acks; return;
      case 4: return subscribe(person);
      case 5: return subscribe(person);
      case 6: return unsubscribe(person);
      case 7: return nonsense(person);
      case 8:
        client.shard = random_.below(3);
        return rig_.give_room(client, random_.below(2) == 0 ? -1 : static_cast<int>(random_.below(4)));
      default: return publish(who);
    }
  }

  void connect(Person& person) {
    // Of two connections that look for the session at once, either may be the later one.
    if (person.awaits_connack) settle();
    leave(person, [] {});
    Hello hello{.version = random_.below(2) == 0 ? Protocol::v311 : Protocol::v5, .clean = random_.below(5) == 0};
    if (hello.version == Protocol::v5) {
      hello.expiry_s = random_.below(5) == 0 ? 0 : 3600;
      const std::uint32_t window = 1 + random_.below(6);
      hello.change = [window](wire::mqtt::Connect& connect) {
        connect.properties.set(wire::mqtt::Property::receive_maximum, window);
        connect.properties.set(wire::mqtt::Property::topic_alias_maximum, 4U);
      };
    }
    if (hello.clean) doubt(person);
    person.stays = hello.version == Protocol::v5 ? hello.expiry_s > 0 : !hello.clean;
    person.awaits_connack = true;
    ++person.connection;
    person.unacknowledged.clear();
    person.client->connect(hello);
  }
  template <typename Do>
  void leave(Person& person, Do&& how) {
    if (!person.stays) doubt(person);
    // Who knows whether a SUBSCRIBE that has no answer was read.
    for (Subscribed& each : person.subscriptions) {
      if (each.sure_from == kEver) each.sure_from = kNever;
      each.closing = false;
    }
    how();
  }
  // The session may have ended.
  void doubt(Person& person) {
    person.is_sure = false;
    person.sure_from = kEver;
    person.owed.clear();
    for (Subscribed& each : person.subscriptions) each.sure_until = std::min(each.sure_until, now_);
  }

  void subscribe(Person& person) {
    const std::size_t filter = random_.below(std::size(kFilters));
    for (const Subscribed& each : person.subscriptions) {
      if (each.filter == filter && each.sure_until == kEver && each.sure_from != kNever) return;
    }
    person.subscriptions.push_back({.filter = filter, .said_at = now_});
    const SubscriptionOptions options{.qos = kFilters[filter].qos};
    if (const auto code = person.client->subscribe(kFilters[filter].filter, options)) {
      EXPECT_FALSE(wire::mqtt::is_failure(*code));
    }
  }
  void unsubscribe(Person& person) {
    if (person.subscriptions.empty()) return;
    Subscribed& one = person.subscriptions[random_.below(static_cast<std::uint32_t>(person.subscriptions.size()))];
    for (Subscribed& each : person.subscriptions) {
      if (each.filter != one.filter) continue;
      each.sure_until = std::min(each.sure_until, now_);
      each.closing = true;
    }
    (void)person.client->unsubscribe(kFilters[one.filter].filter);
  }
  void nonsense(Person& person) {
    wire::mqtt::Bytes bytes(1 + random_.below(6));
    for (std::byte& each : bytes) each = static_cast<std::byte>(random_.below(256));
    if ((static_cast<unsigned>(bytes[0]) >> 4) != 0x0f) bytes[0] = std::byte{0x06};
    leave(person, [&] {
      person.client->say(bytes);
      person.client->vanish();
    });
  }
  void publish(std::uint32_t who) {
    Person& person = people_[who];
    if (person.unacknowledged.size() >= 15) return;
    const std::string topic = kTopics[random_.below(std::size(kTopics))];
    const Qos qos = static_cast<Qos>(random_.below(3));
    const int number = static_cast<int>(published_.size());
    const std::string payload = std::to_string(number);
    const bool retain = random_.below(8) == 0 && topic.starts_with("t");
    Published& made = published_.emplace_back(
        Published{.topic = topic, .qos = qos, .said_at = now_, .publisher = who, .connection = person.connection});
    made.packet_id = person.client->publish(topic, payload, {.qos = qos, .retain = retain});
    if (qos != Qos::at_most_once) person.unacknowledged[made.packet_id] = payload;
  }

  void hear() {
    rig_.hear();
    for (Person& person : people_) note_heard(person);
  }
  void note_heard(Person& person) {
    RigClient& client = *person.client;
    if (person.awaits_connack && client.is_connected()) {
      person.awaits_connack = false;
      const bool is_present = client.session_present();
      EXPECT_TRUE(is_present || !person.is_sure) << client.id << ": its session was there";
      if (!is_present) {
        doubt(person);
        for (Subscribed& each : person.subscriptions) each.open_until = std::min(each.open_until, now_);
      }
      person.is_sure = true;
      person.sure_from = now_ + 1;
    }
    for (const RigClient::Heard& each : client.heard) {
      if (each.type != PacketType::puback && each.type != PacketType::pubrec) continue;
      const auto& ack = std::get<wire::mqtt::Ack>(each.packet);
      const auto found = person.unacknowledged.find(ack.packet_id);
      if (found == person.unacknowledged.end()) continue;
      if (!wire::mqtt::is_failure(ack.reason)) published_[std::stoul(found->second)].is_taken = true;
      person.unacknowledged.erase(found);
    }
    for (const Got& got : client.take()) judge(person, got);
    EXPECT_EQ(client.nonsense, "");
  }

  void judge(Person& person, const Got& got) {
    ASSERT_FALSE(got.payload.empty());
    Published& published = published_.at(std::stoul(got.payload));
    EXPECT_EQ(got.topic, published.topic);
    EXPECT_LE(got.qos, published.qos);
    const bool is_wanted = std::ranges::any_of(person.subscriptions, [&](const Subscribed& each) {
      const ShareRead share = parse_share(kFilters[each.filter].filter);
      const std::string_view filter =
          share.form == ShareRead::Form::shared ? share.filter : std::string_view(kFilters[each.filter].filter);
      return matches(filter, got.topic) && (got.retain || each.open_until >= published.said_at);
    });
    EXPECT_TRUE(is_wanted) << person.client->id << " got " << brief(got);
    person.owed.erase(got.payload);
    if (got.retain) return;
    const int times = ++person.got[got.payload];
    if (published.topic.starts_with("s")) return;  // it may come by both groups and by "#" as well
    if (times > 1) {
      EXPECT_TRUE(got.qos == Qos::at_least_once && got.dup) << person.client->id << " got again: " << brief(got);
      return;
    }
    const std::string line = std::to_string(published.publisher) + "/" + std::to_string(published.connection) + "/" +
                             got.topic + std::to_string(static_cast<int>(got.qos));
    const auto last = person.last.find(line);
    const int number = std::stoi(got.payload);
    EXPECT_TRUE(last == person.last.end() || last->second < number) << "out of order: " << brief(got);
    person.last[line] = number;
  }

  void settle() {
    rig_.settle();
    hear();
  }

  // All has settled: what was acknowledged meanwhile is owed to whoever is sure to have subscribed before.
  void end_round() {
    ++now_;
    for (Person& person : people_) {
      for (std::size_t i = judged_; i < published_.size(); ++i) {
        const Published& each = published_[i];
        if (!each.is_taken || !person.is_sure || person.sure_from > each.said_at) continue;
        const bool is_owed = std::ranges::any_of(person.subscriptions, [&](const Subscribed& subscribed) {
          return kFilters[subscribed.filter].qos != Qos::at_most_once && subscribed.sure_from <= each.said_at &&
                 subscribed.sure_until == kEver && matches(kFilters[subscribed.filter].filter, each.topic);
        });
        if (is_owed && !person.got.contains(std::to_string(i))) person.owed.insert(std::to_string(i));
      }
      for (Subscribed& each : person.subscriptions) {
        if (!person.is_sure || !person.client->is_connected()) continue;
        if (each.closing) each.open_until = std::min(each.open_until, now_);
        if (each.sure_from == kEver) each.sure_from = now_;
      }
    }
    judged_ = published_.size();
  }

  void finish() {
    rig_.by_hand = false;
    for (Person& person : people_) {
      person.client->acks = true;
      if (!person.is_sure || !person.stays) continue;
      person.awaits_connack = true;
      ++person.connection;
      person.client->connect({.clean = false, .expiry_s = 3600});
      hear();
    }
    settle();
    for (const Person& person : people_) {
      if (!person.is_sure || !person.stays) continue;
      EXPECT_TRUE(person.owed.empty()) << person.client->id << " never got " << *person.owed.begin();
    }
    RigClient& last = rig_.connected("last");
    for (const char* topic : kTopics) last.publish(topic, "", {.retain = true});
    last.disconnect();
    for (Person& person : people_) {
      person.client->connect({.clean = true});
      person.client->disconnect();
    }
    rig_.pass(seconds(60));
    EXPECT_EQ(rig_.sessions(), 0U);
    EXPECT_EQ(rig_.links(), 0U);
    EXPECT_EQ(rig_.claims(), 0U);
    const auto sum = [&](auto of) { return rig_.sum(of); };
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.clients; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.sessions; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.subscriptions; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.shared_subscriptions; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.retained; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.retained_bytes; }), 0);
    EXPECT_EQ(sum([](ShardCounters & c) -> auto& { return c.routes; }), 0);
  }

  base::Random random_;
  ShardRig rig_;
  std::vector<Person> people_;
  std::vector<Published> published_;
  std::size_t judged_ = 0;
  int now_ = 0;
};

TEST(ShardRandom, WhateverClientsDoTheyGetWhatTheyShould) {
  const Message::Living before = Message::living();
  for (std::uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Model(seed).run(30);
    const Message::Living after = Message::living();
    EXPECT_EQ(after.messages, before.messages) << "messages are left";
    EXPECT_EQ(after.bytes, before.bytes);
  }
}

}  // namespace
}  // namespace holdfast::broker
