// apps/holdfast/mqtt/message_json.h: messages as one JSON object each.
//
// Thread: pure. What is no UTF-8 stands in base64, under a name that says so.
#pragma once

#include <boost/json/object.hpp>

#include "control/wall_time.h"
#include "wire/mqtt/packets.h"

namespace holdfast::app {

// {"at", "topic", "qos", "retain", "dup", "packet_id", "payload" or "payload_base64", "properties", "user_properties",
// "subscription_ids"}: all there in every version, empty or null when there is none.
[[nodiscard]] boost::json::object message_json(const wire::mqtt::Publish& message, control::WallTime at);

[[nodiscard]] boost::json::array user_properties_json(const wire::mqtt::Properties& properties);
// `name`, or name_base64.
void set_bytes(boost::json::object& object, std::string_view name, std::span<const std::byte> bytes);

}  // namespace holdfast::app
