// Bytes lead three clients of a node of three shards: whole packets with any content, bytes that are none, any order of
// what travels. Nothing that the broker sends may be nonsense, and in the end nothing may be left.
#include <cstdlib>
#include <span>

#include "broker/core/presence.h"
#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Property;
using wire::mqtt::Reason;

const char* const kNames[] = {
    "t/0",        "t/+", "t/#",    "#",     "$share/g/t/+", "$share/g/#", "$exclusive/t/0", "$delayed/1/t/0",
    "$queue/t/0", "+/0", "$SYS/x", "old/1", "t/0/1/2/3",    "/",          "$share/h/t/0",   ""};

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t take() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  std::span<const std::byte> take(std::size_t count) {
    const auto taken = std::as_bytes(rest_.first(std::min(count, rest_.size())));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

class Run {
 public:
  explicit Run(Bytes bytes)
      : bytes_(bytes),
        rig_(3,
             [this](ShardSettings& settings, ListenerLimits& limits) {
               const std::uint8_t choice = bytes_.take();
               settings.share_strategy = static_cast<ShareStrategy>(choice % 6);
               if (choice % 7 == 0) settings.hooks.push_back(presence(settings.node_name));
               settings.denied_disconnects = choice % 5 == 0;
               settings.queue.when_full = static_cast<WhenFull>(choice % 3);
               settings.queue.queue_length_max = 3;
               settings.queue.store_qos0 = choice % 2 == 0;
               settings.delayed_max = 3;
               settings.delayed_bytes_max = 1000;
               settings.delayed_longest = std::chrono::seconds(10);
               settings.retained.messages_max = 3;
               settings.rewrites = {{Rewrite::Of::all, "old/#", "t/$1/%c"}};
               limits.mountpoint = choice % 4 == 0 ? "at/%c/" : "";
               limits.inflight_max = 2;
               limits.awaiting_rel_max = 3;
               limits.topic_alias_max = 2;
               limits.packet_size_max = 1000;
               if (choice % 9 == 0) settings.auto_subscriptions = {{.filter = "$exclusive/of/%c", .options = {}}};
             }),
        random_(bytes_.take()) {
    rig_.may = [](std::string_view, Action, std::string_view topic) { return topic != "t/0/1/2/3"; };
    for (unsigned i = 0; i < 3; ++i) clients_[i] = &rig_.client(i == 2 ? "b" : "a", i);
  }

  void run() {
    rig_.by_hand = true;
    while (!bytes_.empty()) {
      do_something(*clients_[bytes_.take() % 3]);
      for (int steps = bytes_.take() % 8; steps > 0; --steps) (void)rig_.step(random_);
      rig_.hear();
      check();
    }
    rig_.settle();
    check();
    rig_.by_hand = false;
    RigClient& last = rig_.connected("last");
    last.disconnect();
    for (const char* id : {"a", "b"}) rig_.connected(id).disconnect();
    rig_.now += std::chrono::hours(3);
    rig_.pass(std::chrono::milliseconds(1));
    check();
    if (rig_.links() != 0 || rig_.claims() != rig_.sessions()) std::abort();
    if (rig_.sessions() != 0) std::abort();
    if (rig_.sum([](ShardCounters & c) -> auto& { return c.subscriptions; }) != 0) std::abort();
    if (rig_.sum([](ShardCounters & c) -> auto& { return c.routes; }) != 0) std::abort();
  }

 private:
  void check() {
    for (const RigClient* each : clients_) {
      if (!each->nonsense.empty()) std::abort();
    }
  }
  void do_something(RigClient& client) {
    const std::uint8_t what = bytes_.take();
    if (!client.pipe || what % 16 == 0) return connect(client);
    const std::uint8_t how = bytes_.take();
    const Qos qos = static_cast<Qos>(how % 3);
    const char* name = kNames[bytes_.take() % std::size(kNames)];
    switch (what % 16) {
      case 1: return client.vanish();
      case 2: return client.disconnect(static_cast<Reason>(how % 2 == 0 ? 0 : 4));
      case 3: client.acks = !client.acks; return;
      case 4: return client.say(bytes_.take(how % 40));
      case 5: return rig_.give_room(client, how % 4 - 1);
      case 6: return rig_.pass(std::chrono::milliseconds(how * 20));
      case 7:
        return client.ack(static_cast<wire::mqtt::PacketType>(4 + how % 4),
                          static_cast<std::uint16_t>(1 + how / 4 % 8));
      case 8:
      case 9:
      case 10:
        client.subscribe_all({name, kNames[how % std::size(kNames)]},
                             {.qos = qos,
                              .no_local = how % 16 == 9,
                              .retain_as_published = how % 8 == 3,
                              .retain_handling = static_cast<wire::mqtt::RetainHandling>(how / 3 % 3),
                              .identifier = how});
        return;
      case 11: (void)client.unsubscribe(name); return;
      default: {
        wire::mqtt::Properties properties;
        if (how % 5 == 0) properties.set(Property::message_expiry, how / 5U);
        if (how % 7 == 0) properties.set(Property::topic_alias, how / 7U % 4);
        const bool is_empty = how % 11 == 0;
        (void)client.publish(name, is_empty ? "" : "payload",
                             {.qos = qos,
                              .retain = what >= 128,
                              .dup = false,
                              .packet_id = static_cast<std::uint16_t>(how % 6),
                              .properties = properties});
      }
    }
  }
  void connect(RigClient& client) {
    const std::uint8_t how = bytes_.take();
    Hello hello{.version = static_cast<wire::mqtt::Version>(3 + how % 3), .clean = how % 4 == 0};
    hello.expiry_s = how / 16U * 100U;
    hello.keep_alive_s = how % 32;
    if (how % 8 == 1) {
      hello.will = wire::mqtt::Will{
          .topic = kNames[how % std::size(kNames)], .payload = {}, .qos = {}, .retain = how > 100, .properties = {}};
      hello.will->properties.set(Property::will_delay, how % 64U);
    }
    if (how % 8 == 2) {
      hello.change = [](wire::mqtt::Connect& connect) {
        connect.properties.set(Property::maximum_packet_size, 30U);
        connect.properties.set(Property::topic_alias_maximum, 2U);
        connect.properties.set(Property::receive_maximum, 1U);
      };
    }
    client.shard = how % 3;
    client.connect(hello);
  }

  Bytes bytes_;
  ShardRig rig_;
  base::Random random_;
  RigClient* clients_[3] = {};
};

}  // namespace
}  // namespace holdfast::broker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2'000) return 0;
  holdfast::broker::Run(holdfast::broker::Bytes(data, size)).run();
  return 0;
}
