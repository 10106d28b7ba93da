// load/mqtt/settings.h: what one run of MQTT clients does, and what it counts.
//
// Thread: Settings are values, const while a run lasts. A tally belongs to the thread of the run.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/time.h"
#include "load/histogram.h"
#include "load/settings.h"
#include "net/address.h"
#include "wire/mqtt/packets.h"

namespace holdfast::load {

enum class MqttTraffic : std::uint8_t {
  connect,  // new clients: CONNECT, CONNACK, and gone or kept
  pairs,    // N publishers, each to a subscriber of its own
  fanin,    // N publishers, each with its topic, to one subscriber of them all
  fanout,   // one publisher to N subscribers
  shared,   // N publishers to one shared subscription with M members
  hold,     // silent clients
};
[[nodiscard]] const char* name(MqttTraffic traffic) noexcept;

enum class Staying : std::uint8_t { leave, keep };    // connect: what follows the CONNACK
enum class Subscribing : std::uint8_t { none, own };  // hold: whether a client subscribes to its own topic
inline constexpr std::uint32_t kMqttClientsMax = 1'000'000;
inline constexpr std::uint32_t kMqttWindowMax = 10'000;       // messages of a publisher under way
inline constexpr std::uint64_t kSharedFlowsMax = 10'000'000;  // publishers times members

struct MqttSettings {
  MqttTraffic traffic = MqttTraffic::pairs;
  net::SocketAddress target;
  std::vector<net::SocketAddress> sources;  // local addresses taken in turn; none: the kernel's choice
  wire::mqtt::Version version = wire::mqtt::Version::v5;
  wire::mqtt::Qos qos = wire::mqtt::Qos::at_most_once;
  std::uint32_t clients = 50;        // N; connect without a rate: how many are under way at a time
  std::uint32_t members = 4;         // shared: M
  std::uint32_t message_bytes = 64;  // of the payload, at least kMessageBytesMin
  std::uint32_t window = 4;          // messages of one publisher that are not acknowledged and delivered
  std::uint64_t rate = 0;            // messages, or clients of connect and hold, a second in all; 0: no such bound
  std::uint64_t count = 0;           // connect: how many in all; 0: as many as the time allows
  Staying staying = Staying::leave;
  Subscribing subscribing = Subscribing::none;
  std::uint32_t first_messages = 0;  // hold: that each client publishes, and receives, before it is silent
  std::chrono::seconds keep_alive{0};
  std::string user;
  std::string password;
  std::string topic = "holdfast-bench";  // what all topics begin with; a name of the run follows
  base::Duration warmup{0};              // traffic that is not measured
  base::Duration duration = std::chrono::seconds{10};
  base::Duration timeout = std::chrono::seconds{5};  // from dialling until a client is ready
  base::Duration drain = std::chrono::seconds{2};    // nothing came for so long: what is missing is lost
};

struct MqttTally {
  std::uint64_t opened = 0;      // clients that got their CONNACK
  std::int64_t open = 0;         // clients that stand now
  std::uint64_t operations = 0;  // deliveries, or clients of connect, that came while it was measured
  std::uint64_t progress = 0;    // the same, warm-up included

  // Of the whole run, warm-up included.
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;  // PUBACK, PUBCOMP
  std::uint64_t refused = 0;       // by a reason code
  std::uint64_t delivered = 0;     // all that came
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t disordered = 0;
  std::uint64_t stalls = 0;  // a publisher whose window stood still for a second and was opened again

  std::array<std::uint64_t, kFailures> failures{};
  Histogram latency;

  void fail(Failure failure, std::uint64_t how_often = 1) noexcept {
    failures[static_cast<std::size_t>(failure)] += how_often;
  }
};

}  // namespace holdfast::load
