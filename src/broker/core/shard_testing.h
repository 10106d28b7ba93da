// broker/core/shard_testing.h: what the tests of a node of shards share: the rig, and short names.
//
// Tests of what must not depend on how many shards there are run on one and on three.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "broker/core/shard_rig.h"

namespace holdfast::broker::shard_testing {

using wire::mqtt::Connect;
using wire::mqtt::PacketType;
using wire::mqtt::Properties;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using wire::mqtt::RetainHandling;
using Protocol = wire::mqtt::Version;
using Texts = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Protocol k311 = Protocol::v311;
constexpr Qos k0 = Qos::at_most_once;
constexpr Qos k1 = Qos::at_least_once;
constexpr Qos k2 = Qos::exactly_once;

inline Properties with(Property property, std::uint32_t value) {
  Properties properties;
  properties.set(property, value);
  return properties;
}

}  // namespace holdfast::broker::shard_testing
