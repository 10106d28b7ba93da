// wire/mqtt/rule.h: a rule of the standards that a packet can break. Only for the files of this folder.
//
// Thread: constants.
#pragma once

#include "wire/mqtt/reason.h"

namespace holdfast::wire::mqtt {

// The same rule as MQTT 3.1 and 3.1.1 have it, and as MQTT 5 has it.
struct Rule {
  Fault v3;
  Fault v5;

  constexpr Rule(Reason reason, const char* clause_v3, const char* clause_v5, const char* what) noexcept
      : v3{reason, clause_v3, what}, v5{reason, clause_v5, what} {}
};

[[nodiscard]] inline const Fault* broken(const Rule& rule, Version version) noexcept {
  return version == Version::v5 ? &rule.v5 : &rule.v3;
}

// Fields that do not fit into their packet, or do not fill it.
inline constexpr Rule kCutShort{Reason::malformed_packet, "MQTT311 2.4", "MQTT5 2.1.4",
                                "the packet ends within a field"};
inline constexpr Rule kTooLong{Reason::malformed_packet, "MQTT311 2.2.3", "MQTT5 2.1.4",
                               "bytes are left over behind the last field"};
inline constexpr Rule kIdZero{Reason::protocol_error, "MQTT311 [MQTT-2.3.1-1]", "MQTT5 [MQTT-2.2.1-3]",
                              "the packet identifier is 0"};

}  // namespace holdfast::wire::mqtt
