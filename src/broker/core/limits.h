// broker/core/limits.h: what the clients of one listener may do, and what a node holds at most.
//
// Thread: values; immutable once the shards run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "wire/mqtt/packets.h"

namespace holdfast::broker {

// Of the listener that a client came in by. CONNACK tells a client of MQTT 5 what is below the standard's own limit.
struct ListenerLimits {
  std::string name;
  std::string mountpoint;  // before every topic of its clients; %c and %u stand for client id and user name
  std::uint32_t packet_size_max = 1 << 20;
  wire::mqtt::Qos qos_max = wire::mqtt::Qos::exactly_once;
  std::uint32_t topic_levels_max = 128;  // at most kLevelsMax
  std::uint32_t topic_length_max = 65'535;
  std::uint32_t client_id_length_max = 1024;
  std::uint32_t subscriptions_max = 0;   // of one client; 0: no limit
  std::uint16_t inflight_max = 32;       // to the client, unacknowledged
  std::uint16_t awaiting_rel_max = 100;  // from the client, unfinished: our receive maximum; before MQTT 5, of QoS 2
  std::uint16_t topic_alias_max = 0;
  bool retain_available = true;
  bool wildcard_available = true;
  bool shared_available = true;
  bool exclusive_available = true;
  double keep_alive_factor = 1.5;
  std::chrono::seconds keep_alive_max{0};  // 0: as the client asks
  std::chrono::seconds session_expiry_max{7200};

  [[nodiscard]] wire::mqtt::Seconds capped_expiry(wire::mqtt::Seconds asked) const noexcept {
    const std::int64_t most = std::min<std::int64_t>(session_expiry_max.count(), wire::mqtt::kNever.count());
    return std::min(asked, wire::mqtt::Seconds{static_cast<std::uint32_t>(most)});
  }
};

}  // namespace holdfast::broker
