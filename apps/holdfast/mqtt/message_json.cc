#include "mqtt/message_json.h"

#include <boost/json.hpp>
#include <string>

#include "base/utf8.h"
#include "mqtt/text.h"

namespace holdfast::app {

namespace mqtt = wire::mqtt;
using mqtt::Property;

namespace {

boost::json::object properties_json(const mqtt::Properties& properties) {
  boost::json::object object;
  if (properties.has(Property::payload_format))
    object["payload_format"] = properties.payload_format == 1 ? "text" : "bytes";
  if (properties.has(Property::message_expiry)) object["message_expiry_seconds"] = properties.message_expiry.count();
  if (properties.has(Property::content_type)) object["content_type"] = properties.content_type;
  if (properties.has(Property::response_topic)) object["response_topic"] = properties.response_topic;
  if (properties.has(Property::correlation_data)) set_bytes(object, "correlation_data", properties.correlation_data);
  if (properties.has(Property::topic_alias)) object["topic_alias"] = properties.topic_alias;
  return object;
}

}  // namespace

void set_bytes(boost::json::object& object, std::string_view name, std::span<const std::byte> bytes) {
  const std::string_view text = as_text(bytes);
  if (base::is_utf8(text)) {
    object[name] = text;
  } else {
    object[std::string(name) + "_base64"] = base64(bytes);
  }
}

boost::json::array user_properties_json(const mqtt::Properties& properties) {
  boost::json::array list;
  for (const mqtt::UserProperty& each : properties.user_properties())
    list.push_back(boost::json::object{{"name", each.name}, {"value", each.value}});
  return list;
}

boost::json::object message_json(const mqtt::Publish& message, control::WallTime at) {
  boost::json::object object{
      {"at", control::to_rfc3339(at)}, {"topic", message.topic}, {"qos", static_cast<unsigned>(message.qos)},
      {"retain", message.retain},      {"dup", message.dup},     {"packet_id", nullptr}};
  if (message.qos != mqtt::Qos::at_most_once) object["packet_id"] = message.packet_id;
  set_bytes(object, "payload", message.payload);
  object["properties"] = properties_json(message.properties);
  object["user_properties"] = user_properties_json(message.properties);
  boost::json::array ids;
  for (const std::uint32_t each : message.properties.subscription_ids()) ids.push_back(each);
  object["subscription_ids"] = std::move(ids);
  return object;
}

}  // namespace holdfast::app
