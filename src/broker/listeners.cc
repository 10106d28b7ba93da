#include "broker/listeners.h"

#include <algorithm>

namespace holdfast::broker {
namespace {

ListenerLimits limits_of(const config::ClientLimits& from, const config::BrokerListener& listener) {
  ListenerLimits limits;
  limits.name = listener.name;
  limits.mountpoint = listener.mountpoint;
  limits.packet_size_max = static_cast<std::uint32_t>(from.packet_size_max.count);
  limits.qos_max = static_cast<wire::mqtt::Qos>(from.qos_max);
  limits.topic_levels_max = from.topic_levels_max;
  limits.topic_length_max = from.topic_length_max;
  limits.client_id_length_max = from.client_id_length_max;
  limits.subscriptions_max = from.subscriptions_max;
  limits.inflight_max = static_cast<std::uint16_t>(from.inflight_max);
  limits.awaiting_rel_max = static_cast<std::uint16_t>(from.awaiting_rel_max);
  limits.topic_alias_max = static_cast<std::uint16_t>(from.topic_alias_max);
  limits.retain_available = from.retain_available;
  limits.wildcard_available = from.wildcard_available;
  limits.shared_available = from.shared_available;
  limits.exclusive_available = from.exclusive_available;
  limits.keep_alive_factor = from.keepalive_factor;
  limits.keep_alive_max = std::chrono::duration_cast<std::chrono::seconds>(from.keepalive_max);
  limits.session_expiry_max = std::chrono::duration_cast<std::chrono::seconds>(from.session_expiry_max);
  return limits;
}

ClientRates rates_of(const config::ClientLimits& from) {
  ClientRates rates;
  if (from.message_rate.per_second > 0) {
    rates.messages = from.message_rate.per_second;
    rates.message_burst = from.message_burst > 0 ? from.message_burst : std::max(rates.messages, 1.0);
  }
  if (from.byte_rate.count > 0) {
    rates.bytes = static_cast<double>(from.byte_rate.count);
    rates.byte_burst = from.byte_burst.count > 0 ? static_cast<double>(from.byte_burst.count) : rates.bytes;
  }
  return rates;
}

}  // namespace

Listener listener_of(const config::Broker& broker, const config::BrokerListener& listener) {
  const config::ClientLimits limits = config::limits_of(broker, listener);
  Listener made;
  made.settings = listener;
  made.limits = limits_of(limits, listener);
  made.rates = rates_of(limits);
  made.proxy_protocol_timeout = config::milliseconds(listener.proxy_protocol_timeout);
  made.connect_timeout = config::milliseconds(listener.connect_timeout);
  return made;
}

}  // namespace holdfast::broker
