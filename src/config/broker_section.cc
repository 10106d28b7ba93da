#include "config/broker_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr base::Bytes kNoBytes{0};
constexpr base::Bytes kStoreBytesMax{std::uint64_t{1} << 40};
constexpr std::uint32_t kMessagesMax = 100'000'000;

// A broker does not take new values while it runs.
template <typename Owner>
std::vector<Key<Owner>> with_restart(std::vector<Key<Owner>> keys) {
  for (Key<Owner>& key : keys) {
    if (key.about.name != "name") key.about.reload = kRestart;
  }
  return keys;
}

Kind<Anonymous> anonymous() { return choice<Anonymous>({{"deny", Anonymous::deny}, {"allow", Anonymous::allow}}); }

Table<Queue> queue() {
  return {{
      {"max_length", count(1, 10'000'000), &Queue::max_length, 1000, kRestart,
       "How many messages may wait for one session."},
      {"max_bytes", bytes(base::Bytes{1024}, kStoreBytesMax), &Queue::max_bytes, "1MiB", kRestart,
       "How many bytes they may have together, each message counted as a whole even where sessions share it."},
      {"store_qos0", boolean(), &Queue::store_qos0, false, kRestart,
       "Whether messages of QoS 0 wait as well, while a client is away or slow. If not, those that its connection has "
       "no room for are dropped."},
      {"when_full",
       choice<WhenFull>({{"drop_oldest", WhenFull::drop_oldest},
                         {"drop_newest", WhenFull::drop_newest},
                         {"disconnect", WhenFull::disconnect}}),
       &Queue::when_full, "drop_oldest", kRestart,
       "What happens when one more message comes. `disconnect` closes the connection of a client that is too slow; of "
       "one that is away the oldest goes."},
  }};
}

Table<Retained> retained() {
  return {{
      {"max_messages", count(0, kMessagesMax), &Retained::max_messages, 1'000'000, kRestart,
       "How many retained messages are kept. What is sent to be retained beyond that is delivered and not kept. 0: "
       "none."},
      {"max_bytes", bytes(kNoBytes, kStoreBytesMax), &Retained::max_bytes, "1GiB", kRestart,
       "How many bytes they may have together."},
      {"max_payload", bytes(kNoBytes, base::Bytes{std::uint64_t{256} << 20}), &Retained::max_payload, "1MiB", kRestart,
       "How large the payload of one may be."},
      {"expiry", duration_or_zero(1s, 3650 * kDay), &Retained::expiry, "0s", kRestart,
       "How long one is kept that does not say so itself. 0s: until another takes its place."},
  }};
}

Table<Delayed> delayed() {
  return {{
      {"max_messages", count(0, kMessagesMax), &Delayed::max_messages, 100'000, kRestart,
       "How many messages sent to `$delayed/SECONDS/TOPIC` may wait for their time; further ones are refused. 0: there "
       "are none."},
      {"max_bytes", bytes(kNoBytes, kStoreBytesMax), &Delayed::max_bytes, "64MiB", kRestart,
       "How many bytes they may have together."},
      {"max_delay", duration(1s, 3650 * kDay), &Delayed::max_delay, "7d", kRestart,
       "The longest that one may wait; what wants more is refused."},
  }};
}

Table<Rewrite> rewrite() {
  return {{
      {"action",
       choice<RewriteOf>(
           {{"all", RewriteOf::all}, {"publish", RewriteOf::publish}, {"subscribe", RewriteOf::subscribe}}),
       &Rewrite::action, "all", kRestart,
       "Whether topics of messages that clients publish are rewritten, or filters to which they subscribe (and from "
       "which they unsubscribe), or both."},
      {"from", topic_filter(), &Rewrite::from, kRequired, kRestart,
       "The filter that must match the topic as the client wrote it, or cover the client's filter."},
      {"to", topic_part("new/$1/$2"), &Rewrite::to, kRequired, kRestart,
       "What takes its place. `$1` to `$9` stand for what the wildcards of `from` have matched, `%u` for the user "
       "name, "
       "`%c` for the client id."},
  }};
}

Table<AutoSubscribe> auto_subscribe() {
  return {{
      {"filter", topic_filter(), &AutoSubscribe::filter, kRequired, kRestart,
       "What to subscribe to. `%u` stands for the user name, `%c` for the client id; a client whose name cannot be "
       "part of a filter does not get the subscription. The ACL is asked as for a SUBSCRIBE of the client."},
      {"qos", count(0, 2), &AutoSubscribe::qos, 0, kRestart, "The quality of service of the subscription."},
      {"no_local", boolean(), &AutoSubscribe::no_local, false, kRestart,
       "Whether the client does not get what it has published itself."},
      {"retain_as_published", boolean(), &AutoSubscribe::retain_as_published, false, kRestart,
       "Whether messages keep the retain flag that they were published with."},
      {"retain_handling",
       choice<WhichRetained>(
           {{"always", WhichRetained::always}, {"new", WhichRetained::if_new}, {"never", WhichRetained::never}}),
       &AutoSubscribe::retain_handling, "always", kRestart,
       "When retained messages are sent: at each connect, only when the subscription is new, or never."},
  }};
}

Table<BrokerListener> listener() {
  using Listener = BrokerListener;
  return Table<Listener>{}
      .add(with_restart(entrance_place()))
      .add({
          {"protocol",
           choice<BrokerProtocol>({{"mqtt", BrokerProtocol::mqtt}, {"websocket", BrokerProtocol::websocket}}),
           &Listener::protocol, "mqtt", kRestart, "What clients speak: MQTT as it is, or MQTT in WebSocket."},
          {"path", url_path(), &Listener::path, "/mqtt", kRestart,
           "For `websocket`: the path that clients must ask for."},
          {"allow_origins", list_of(origin(), Items{0, 64}), &Listener::allow_origins, kEmptyList, kRestart,
           "For `websocket`: the pages that may use it, by the Origin that their browser sends with the request; "
           "others "
           "are refused with 403. What sends no Origin is no browser, and let in. Empty: all."},
          {"connect_timeout", duration(10ms, 1h), &Listener::connect_timeout, "10s", kRestart,
           "A client whose CONNECT has not come whole by then is closed; the WebSocket handshake is part of it, a "
           "PROXY "
           "header is not."},
          {"mountpoint", or_empty(topic_part("site-7/")), &Listener::mountpoint, "", kRestart,
           "What is put before each topic and filter of the clients, and taken away from what they are sent. `%u` "
           "stands for the user name, `%c` for the client id; a client whose name has `/`, `+` or `#` is "
           "refused then. Filters of the ACL are compared without it."},
          {"anonymous", inherited(anonymous()), &Listener::anonymous, Default::derived("that of [auth]"), kRestart,
           "What becomes of a client that nothing in `auth.chain` knows."},
      })
      .add(with_restart(entrance_limits()))
      .add(own_client_limits())
      .add(with_restart(entrance_tcp()));
}

std::vector<Key<Broker>> of_node() {
  using Strategy = SharedStrategy;
  return {
      {"shared_strategy",
       choice<Strategy>({{"round_robin", Strategy::round_robin},
                         {"random", Strategy::random},
                         {"sticky", Strategy::sticky},
                         {"hash_client", Strategy::hash_client},
                         {"hash_topic", Strategy::hash_topic},
                         {"least_inflight", Strategy::least_inflight}}),
       &Broker::shared_strategy, "round_robin", kRestart,
       "Which member of a shared subscription gets a message. `sticky`: the same one as long as it is there; "
       "`hash_client`, `hash_topic`: the same one for each publisher, for each topic; `least_inflight`: the one with "
       "the fewest messages that it has not acknowledged."},
      {"sys_interval", duration_or_zero(1s, kDay), &Broker::sys_interval, "60s", kRestart,
       "How often the topics below `$SYS` are published. 0s: never."},
      {"presence_events", boolean(), &Broker::presence_events, true, kRestart,
       "Whether a message below `$SYS` tells of each client that comes or goes."},
  };
}

std::vector<Key<Broker>> parts() {
  return {
      {"queue", table(queue()), &Broker::queue, kAllDefaults, kRestart,
       "What waits for a session whose client is away, or slower than what it is sent."},
      {"retained", table(retained()), &Broker::retained, kAllDefaults, kRestart,
       "Messages that are kept for those who subscribe later."},
      {"delayed", table(delayed()), &Broker::delayed, kAllDefaults, kRestart,
       "Messages that are published later, because they were sent to `$delayed/SECONDS/TOPIC`."},
      {"rewrite", tables(rewrite(), {0, 1000}), &Broker::rewrite, kEmptyList, kRestart,
       "A topic that becomes another one. The first one that fits is applied, once, before the ACL is asked."},
      {"auto_subscribe", tables(auto_subscribe(), {0, 64}), &Broker::auto_subscribe, kEmptyList, kRestart,
       "A subscription that each client gets when it connects."},
      {"listener", tables(listener(), {0, 1024}, &BrokerListener::name), &Broker::listeners, kEmptyList, kRestart,
       "A place where clients of the broker connect. A listener of the broker and one of the gateway cannot have the "
       "same name."},
  };
}

}  // namespace

Table<Broker> broker_section() { return Table<Broker>{}.add(client_limits()).add(of_node()).add(parts()); }

}  // namespace holdfast::config
