#include "wire/mqtt/cursor.h"
#include "wire/mqtt/decode_begin.h"
#include "wire/mqtt/decode_properties.h"
#include "wire/mqtt/rule.h"
#include "wire/mqtt/text.h"

namespace holdfast::wire::mqtt {
namespace {

//= MQTT5 [MQTT-3.8.3-2]
//= MQTT311 [MQTT-3.8.3-3]
constexpr Rule kNoSubscription{Reason::protocol_error, "MQTT311 [MQTT-3.8.3-3]", "MQTT5 [MQTT-3.8.3-2]",
                               "a SUBSCRIBE without a topic filter"};
//= MQTT5 [MQTT-3.10.3-2]
//= MQTT311 [MQTT-3.10.3-2]
constexpr Rule kNoFilter{Reason::protocol_error, "MQTT311 [MQTT-3.10.3-2]", "MQTT5 [MQTT-3.10.3-2]",
                         "an UNSUBSCRIBE without a topic filter"};
//= MQTT5 [MQTT-4.7.3-1]
//= MQTT311 [MQTT-4.7.3-1]
constexpr Rule kEmptyFilter{Reason::topic_filter_invalid, "MQTT311 [MQTT-4.7.3-1]", "MQTT5 [MQTT-4.7.3-1]",
                            "a topic filter is empty"};
//= MQTT5 [MQTT-3.8.3-5]
//= MQTT311 [MQTT-3-8.3-4]
constexpr Rule kOptions{Reason::malformed_packet, "MQTT311 [MQTT-3-8.3-4]", "MQTT5 [MQTT-3.8.3-5]",
                        "reserved subscription options"};
constexpr Fault kQos3{Reason::protocol_error, "MQTT5 3.8.3.1", "a subscription of QoS 3"};
constexpr Fault kQos3Before{Reason::malformed_packet, "MQTT311 [MQTT-3-8.3-4]", "a subscription of QoS 3"};
constexpr Fault kRetainHandling{Reason::protocol_error, "MQTT5 3.8.3.1", "Retain Handling 3"};
//= MQTT5 [MQTT-3.8.3-4]
constexpr Fault kNoLocalOfShared{Reason::protocol_error, "MQTT5 [MQTT-3.8.3-4]", "No Local on a shared subscription"};
constexpr Rule kNoCodes{Reason::malformed_packet, "MQTT311 3.9.3", "MQTT5 3.9.3", "an answer without a code"};
//= MQTT5 [MQTT-3.9.3-2]
//= MQTT5 [MQTT-3.11.3-2]
//= MQTT311 [MQTT-3.9.3-2]
constexpr Rule kCode{Reason::protocol_error, "MQTT311 [MQTT-3.9.3-2]", "MQTT5 [MQTT-3.9.3-2]",
                     "a reason code that this packet has not"};

// Of the byte behind a filter.
constexpr std::uint8_t kQosBits = 0x03;
constexpr std::uint8_t kNoLocal = 0x04;
constexpr std::uint8_t kRetainAsPublished = 0x08;
constexpr unsigned kRetainHandlingShift = 4;
constexpr std::uint8_t kReservedBits = 0xc0;
constexpr std::uint8_t kReservedBitsBefore5 = 0xfc;

FilterOptions options_of(std::uint8_t byte) {
  return {static_cast<Qos>(byte & kQosBits), (byte & kNoLocal) != 0, (byte & kRetainAsPublished) != 0,
          static_cast<RetainHandling>((byte >> kRetainHandlingShift) & 0b11)};
}

const Fault* check_options(std::uint8_t byte, std::string_view filter, Version version) {
  const bool is_v5 = version == Version::v5;
  if ((byte & (is_v5 ? kReservedBits : kReservedBitsBefore5)) != 0) return broken(kOptions, version);
  if ((byte & kQosBits) == 3) return is_v5 ? &kQos3 : &kQos3Before;
  if (!is_v5) return nullptr;
  if (byte >> kRetainHandlingShift == 3) return &kRetainHandling;
  if ((byte & kNoLocal) != 0 && filter.starts_with("$share/")) return &kNoLocalOfShared;
  return nullptr;
}

//= MQTT5 [MQTT-3.8.3-1]
//= MQTT5 [MQTT-3.10.3-1]
//= MQTT311 [MQTT-3.8.3-1]
//= MQTT311 [MQTT-3.10.3-1]
const Fault* check_filters(Cursor cursor, FilterList::Kind kind, Version version) {
  while (!cursor.at_end()) {
    std::string_view filter;
    if (!cursor.take(filter)) return broken(kCutShort, version);
    if (const Fault* fault = check_text(filter, version)) return fault;
    if (filter.empty()) return broken(kEmptyFilter, version);
    if (kind == FilterList::Kind::without_options) continue;
    std::uint8_t options = 0;
    if (!cursor.take(options)) return broken(kCutShort, version);
    if (const Fault* fault = check_options(options, filter, version)) return fault;
  }
  return nullptr;
}

// What these four packets have before their payload.
const Fault* take_head(Cursor& cursor, Version version, PropertiesOf whose, std::uint16_t& packet_id,
                       Properties& properties) {
  clear(properties);
  if (!cursor.take(packet_id)) return broken(kCutShort, version);
  //= MQTT5 [MQTT-2.2.1-3]
  //= MQTT5 [MQTT-2.2.1-6]
  //= MQTT311 [MQTT-2.3.1-1]
  if (packet_id == 0) return broken(kIdZero, version);
  return version == Version::v5 ? take_properties(cursor, whose, properties) : nullptr;
}

const Fault* check_codes(std::span<const std::byte> codes, PacketType type, Version version) {
  if (codes.empty()) return broken(kNoCodes, version);
  for (const std::byte byte : codes) {
    const auto code = static_cast<Reason>(byte);
    if (!may_say(type, Sender::server, code)) return broken(kCode, version);
    const bool is_old = !is_failure(code) || code == Reason::unspecified_error;
    if (version != Version::v5 && !is_old) return broken(kCode, version);
  }
  return nullptr;
}

}  // namespace

Filter FilterList::Iterator::operator*() const noexcept {
  Cursor cursor(rest_);
  Filter filter;
  std::uint8_t options = 0;
  (void)cursor.take(filter.filter);
  if (kind_ == Kind::with_options && cursor.take(options)) filter.options = options_of(options);
  return filter;
}

FilterList::Iterator& FilterList::Iterator::operator++() noexcept {
  Cursor cursor(rest_);
  std::string_view filter;
  std::uint8_t options = 0;
  const bool taken = cursor.take(filter) && (kind_ == Kind::without_options || cursor.take(options));
  rest_ = taken ? cursor.rest() : rest_.last(0);
  return *this;
}

FilterList::Iterator FilterList::Iterator::operator++(int) noexcept {
  const Iterator before = *this;
  ++*this;
  return before;
}

std::size_t FilterList::count() const noexcept {
  std::size_t count = 0;
  for (Iterator at = begin(); at != end(); ++at) ++count;
  return count;
}

const Fault* decode_subscribe(const Header& header, Body body, Version version, Subscribe& subscribe) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::client)) return fault;
  Cursor cursor(body);
  if (const Fault* fault =
          take_head(cursor, version, PropertiesOf::subscribe, subscribe.packet_id, subscribe.properties)) {
    return fault;
  }
  if (cursor.at_end()) return broken(kNoSubscription, version);
  subscribe.filters = FilterList(cursor.rest(), FilterList::Kind::with_options);
  return check_filters(cursor, FilterList::Kind::with_options, version);
}

const Fault* decode_unsubscribe(const Header& header, Body body, Version version, Unsubscribe& unsubscribe) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::client)) return fault;
  Cursor cursor(body);
  if (const Fault* fault =
          take_head(cursor, version, PropertiesOf::unsubscribe, unsubscribe.packet_id, unsubscribe.properties)) {
    return fault;
  }
  if (cursor.at_end()) return broken(kNoFilter, version);
  unsubscribe.filters = FilterList(cursor.rest(), FilterList::Kind::without_options);
  return check_filters(cursor, FilterList::Kind::without_options, version);
}

const Fault* decode_suback(const Header& header, Body body, Version version, Suback& suback) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::server)) return fault;
  Cursor cursor(body);
  if (const Fault* fault = take_head(cursor, version, PropertiesOf::suback, suback.packet_id, suback.properties)) {
    return fault;
  }
  suback.codes = cursor.rest();
  return check_codes(suback.codes, PacketType::suback, version);
}

const Fault* decode_unsuback(const Header& header, Body body, Version version, Unsuback& unsuback) noexcept {
  if (const Fault* fault = begin(header, body, version, Sender::server)) return fault;
  Cursor cursor(body);
  if (const Fault* fault = take_head(cursor, version, PropertiesOf::suback, unsuback.packet_id, unsuback.properties)) {
    return fault;
  }
  unsuback.codes = cursor.rest();
  return version == Version::v5 ? check_codes(unsuback.codes, PacketType::unsuback, version) : nullptr;
}

}  // namespace holdfast::wire::mqtt
