// What a client of the broker may do: the same keys in [broker] and in [[broker.listener]], written once.
#include "config/broker_kinds.h"
#include "config/sections.h"
#include "config/topic_filter.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kTwoBytesMax = 65'535;
constexpr base::Bytes kPacketBytesMax{std::uint64_t{256} << 20};  // what the four bytes of its length can say
constexpr base::Bytes kNoBytes{0};
constexpr base::Bytes kByteRateMax{std::uint64_t{100} << 30};

// Of [broker]: a value and its default.
template <template <typename> class As, typename T>
struct Row {
  static Kind<T> kind(Kind<T> of) { return of; }
  static Default fallback(Default of) { return of; }
};

// Of a listener: a value, or what [broker] says.
template <typename T>
struct Row<std::optional, T> {
  static Kind<std::optional<T>> kind(Kind<T> of) { return inherited(std::move(of)); }
  static Default fallback(const Default&) { return Default::derived("that of [broker]"); }
};

template <template <typename> class As>
class Rows {
 public:
  using Limits = ClientLimitsAs<As>;

  template <typename T>
  void add(const char* name, Kind<T> kind, As<T> Limits::*field, Default fallback, const char* effect) {
    rows_.emplace_back(name, Row<As, T>::kind(std::move(kind)), field, Row<As, T>::fallback(std::move(fallback)),
                       kRestart, effect);
  }
  [[nodiscard]] std::vector<Key<Limits>> take() { return std::move(rows_); }

 private:
  std::vector<Key<Limits>> rows_;
};

template <template <typename> class As>
void add_of_packets(Rows<As>& rows) {
  using Limits = ClientLimitsAs<As>;
  rows.add("packet_size_max", bytes(base::Bytes{64}, kPacketBytesMax), &Limits::packet_size_max, "1MiB",
           "The largest packet that a client may send. Clients of MQTT 5 are told.");
  rows.add("qos_max", count(0, 2), &Limits::qos_max, 2,
           "The highest quality of service of a message that a client may send, and of a subscription. Clients of MQTT "
           "5 are told; a PUBLISH above it closes the connection, a subscription above it is granted this much.");
  rows.add(
      "topic_levels_max", count(1, 128), &Limits::topic_levels_max, 128,
      "How many levels a topic or a filter may have. A PUBLISH above it is not accepted: 0x90; the connection stays.");
  rows.add(
      "topic_length_max", count(1, kTwoBytesMax), &Limits::topic_length_max, 4096,
      "How many bytes a topic or a filter may have. A PUBLISH above it is not accepted: 0x90; the connection stays.");
  rows.add("client_id_length_max", count(1, kTwoBytesMax), &Limits::client_id_length_max, 1024,
           "How many bytes a client id may have.");
  rows.add("topic_alias_max", count(0, kTwoBytesMax), &Limits::topic_alias_max, 32,
           "How many topic aliases a client of MQTT 5 may use, and how many of those that it allows are used for what "
           "it is sent. 0: none.");
}

template <template <typename> class As>
void add_of_sessions(Rows<As>& rows) {
  using Limits = ClientLimitsAs<As>;
  rows.add("subscriptions_max", count(0, 10'000'000), &Limits::subscriptions_max, 10'000,
           "How many subscriptions a session may have. 0: no limit.");
  rows.add("inflight_max", count(1, kTwoBytesMax), &Limits::inflight_max, 32,
           "How many messages of QoS 1 and 2 may be on their way to a client without being acknowledged; further ones "
           "wait in its queue. A client of MQTT 5 may ask for fewer (Receive Maximum).");
  rows.add(
      "awaiting_rel_max", count(1, kTwoBytesMax), &Limits::awaiting_rel_max, 1000,
      "How many messages of QoS 1 and 2 a client may be sending at once. Clients of MQTT 5 are told (Receive "
      "Maximum); of older ones those of QoS 2 count until they are released. One that sends more is disconnected.");
  rows.add("session_expiry_max", duration(0s, 3650 * kDay), &Limits::session_expiry_max, "2h",
           "How long a session is kept when its client is gone: the most that a client of MQTT 5 gets, and what one of "
           "MQTT 3 gets that asks for a session to be kept. 0s: none is kept.");
  rows.add("wildcard_available", boolean(), &Limits::wildcard_available, true, "Whether filters may have `+` and `#`.");
  rows.add("shared_available", boolean(), &Limits::shared_available, true,
           "Whether there are shared subscriptions, `$share/GROUP/FILTER` and `$queue/FILTER`.");
  rows.add("exclusive_available", boolean(), &Limits::exclusive_available, false,
           "Whether there are exclusive subscriptions, `$exclusive/TOPIC`: one client at a time may have one.");
  rows.add("retain_available", boolean(), &Limits::retain_available, true,
           "Whether messages may be sent to be retained. Clients of MQTT 5 are told; a PUBLISH that asks for it "
           "nevertheless closes the connection.");
}

template <template <typename> class As>
void add_of_time(Rows<As>& rows) {
  using Limits = ClientLimitsAs<As>;
  rows.add("keepalive_factor", real(1, 10), &Limits::keepalive_factor, 1.5,
           "A client that sends nothing for this many times its keep-alive is given up. The standard says 1.5.");
  rows.add("keepalive_max", duration_or_zero(1s, 65'535s), &Limits::keepalive_max, "0s",
           "A client of MQTT 5 that wants a longer keep-alive, or none, is told to use this one; one of MQTT 3, which "
           "cannot be told, keeps its own. 0s: every keep-alive will do.");
  rows.add("message_rate", rate_or_zero(kRateMin, kRateMax), &Limits::message_rate, 0,
           "How many messages a client may publish. What it sends faster waits in its socket: it is slowed down, "
           "and nothing is lost. 0: no limit.");
  rows.add("message_burst", count(0, 1'000'000), &Limits::message_burst, 0,
           "How many may come at once before `message_rate` is felt. 0: what the rate allows in a second, and at least "
           "one.");
  rows.add("byte_rate", byte_rate_or_zero(base::Bytes{1}, kByteRateMax), &Limits::byte_rate, 0,
           "How many bytes a client may send, of all packets, in the same way. 0: no limit.");
  rows.add("byte_burst", bytes(kNoBytes, kByteRateMax), &Limits::byte_burst, "0B",
           "How many may come at once before `byte_rate` is felt. 0B: what the rate allows in a second.");
}

template <template <typename> class As>
std::vector<Key<ClientLimitsAs<As>>> limits() {
  Rows<As> rows;
  add_of_packets(rows);
  add_of_sessions(rows);
  add_of_time(rows);
  return rows.take();
}

}  // namespace

std::vector<Key<ClientLimits>> client_limits() { return limits<std::type_identity_t>(); }

std::vector<Key<OwnClientLimits>> own_client_limits() { return limits<std::optional>(); }

ClientLimits limits_of(const Broker& broker, const BrokerListener& listener) {
  ClientLimits limits = broker;
  const auto take = [&](auto OwnClientLimits::*own, auto ClientLimits::*field) {
    if (listener.*own) limits.*field = *(listener.*own);
  };
  take(&OwnClientLimits::packet_size_max, &ClientLimits::packet_size_max);
  take(&OwnClientLimits::qos_max, &ClientLimits::qos_max);
  take(&OwnClientLimits::topic_levels_max, &ClientLimits::topic_levels_max);
  take(&OwnClientLimits::topic_length_max, &ClientLimits::topic_length_max);
  take(&OwnClientLimits::client_id_length_max, &ClientLimits::client_id_length_max);
  take(&OwnClientLimits::subscriptions_max, &ClientLimits::subscriptions_max);
  take(&OwnClientLimits::inflight_max, &ClientLimits::inflight_max);
  take(&OwnClientLimits::awaiting_rel_max, &ClientLimits::awaiting_rel_max);
  take(&OwnClientLimits::topic_alias_max, &ClientLimits::topic_alias_max);
  take(&OwnClientLimits::wildcard_available, &ClientLimits::wildcard_available);
  take(&OwnClientLimits::shared_available, &ClientLimits::shared_available);
  take(&OwnClientLimits::exclusive_available, &ClientLimits::exclusive_available);
  take(&OwnClientLimits::retain_available, &ClientLimits::retain_available);
  take(&OwnClientLimits::session_expiry_max, &ClientLimits::session_expiry_max);
  take(&OwnClientLimits::keepalive_factor, &ClientLimits::keepalive_factor);
  take(&OwnClientLimits::keepalive_max, &ClientLimits::keepalive_max);
  take(&OwnClientLimits::message_rate, &ClientLimits::message_rate);
  take(&OwnClientLimits::message_burst, &ClientLimits::message_burst);
  take(&OwnClientLimits::byte_rate, &ClientLimits::byte_rate);
  take(&OwnClientLimits::byte_burst, &ClientLimits::byte_burst);
  return limits;
}

}  // namespace holdfast::config
