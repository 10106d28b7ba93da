#include "wire/mqtt/encode.h"

#include <algorithm>
#include <array>

#include "wire/mqtt/encode_properties.h"

namespace holdfast::wire::mqtt {
namespace {

std::uint8_t connect_flags(const Connect& connect) {
  unsigned flags = connect.clean_start ? 0x02 : 0;
  if (connect.will) {
    flags |= 0x04U | static_cast<unsigned>(connect.will->qos) << 3 | (connect.will->retain ? 0x20U : 0U);
  }
  if (connect.password) flags |= 0x40;
  if (connect.user_name) flags |= 0x80;
  return static_cast<std::uint8_t>(flags);
}

// DISCONNECT and AUTH end where there is nothing more to say: MQTT5 3.14.2.1, 3.15.2.1.
template <typename Sink>
void put_reason(Sink& sink, Reason reason, const Properties& properties) {
  if (reason == Reason::success && properties.present == 0) return;
  sink.u8(static_cast<std::uint8_t>(reason));
  if (properties.present != 0) put_with_length(sink, properties, Version::v5);
}

std::uint8_t options_byte(const FilterOptions& options) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 0x04U : 0U) |
                                   (options.retain_as_published ? 0x08U : 0U) |
                                   static_cast<unsigned>(options.retain_handling) << 4);
}

// SUBSCRIBE and UNSUBSCRIBE.
template <typename Sink, typename Listing>
void put_filters(Sink& sink, const Listing& packet, Version version) {
  sink.u16(packet.packet_id);
  put_with_length(sink, packet.properties, version);
  sink.raw(packet.filters.bytes());
}

}  // namespace

//= MQTT5 3.1
//= MQTT311 [MQTT-3.1.2-22]
bool encode_connect(Bytes& out, const Connect& connect) {
  const Version version = connect.version;
  if (version != Version::v5 && connect.password && !connect.user_name) return false;
  const auto put = [&connect, version](auto& sink) {
    sink.field(version == Version::v31 ? std::string_view("MQIsdp") : std::string_view("MQTT"));
    sink.u8(static_cast<std::uint8_t>(version));
    sink.u8(connect_flags(connect));
    sink.u16(static_cast<std::uint16_t>(connect.keep_alive.count()));
    put_with_length(sink, connect.properties, version);
    sink.field(connect.client_id);
    if (connect.will) {
      put_with_length(sink, connect.will->properties, version);
      sink.field(connect.will->topic);
      sink.field(connect.will->payload);
    }
    if (connect.user_name) sink.field(*connect.user_name);
    if (connect.password) sink.field(*connect.password);
  };
  return append_packet(out, first_byte(PacketType::connect), put);
}

//= MQTT311 [MQTT-3.2.2-6]
std::optional<std::uint8_t> connack_return_code(Reason reason) noexcept {
  switch (reason) {
    case Reason::success: return std::uint8_t{0};
    case Reason::unsupported_protocol_version: return std::uint8_t{1};
    case Reason::client_identifier_not_valid: return std::uint8_t{2};
    case Reason::server_unavailable:
    case Reason::server_busy:
    case Reason::server_shutting_down:
    case Reason::use_another_server:
    case Reason::server_moved:
    case Reason::quota_exceeded:
    case Reason::connection_rate_exceeded: return std::uint8_t{3};
    case Reason::bad_user_name_or_password:
    case Reason::bad_authentication_method: return std::uint8_t{4};
    case Reason::not_authorized:
    case Reason::banned: return std::uint8_t{5};
    default: return std::nullopt;
  }
}

bool encode_connack(Bytes& out, const Connack& connack, Version version) {
  auto code = static_cast<std::uint8_t>(connack.reason);
  if (version != Version::v5) {
    const std::optional<std::uint8_t> return_code = connack_return_code(connack.reason);
    if (!return_code) return false;
    code = *return_code;
  }
  // MQTT 3.1 has no such flag.
  const bool session_present = connack.session_present && version != Version::v31;
  const auto put = [&connack, session_present, code, version](auto& sink) {
    sink.u8(static_cast<std::uint8_t>(session_present));
    sink.u8(code);
    put_with_length(sink, connack.properties, version);
  };
  return append_packet(out, first_byte(PacketType::connack), put);
}

bool encode_subscribe(Bytes& out, const Subscribe& subscribe, Version version) {
  const auto has_only_qos = [](const Filter& filter) { return filter.options == FilterOptions{filter.options.qos}; };
  if (version != Version::v5 && !std::ranges::all_of(subscribe.filters, has_only_qos)) return false;
  const auto put = [&subscribe, version](auto& sink) { put_filters(sink, subscribe, version); };
  return append_packet(out, first_byte(PacketType::subscribe, 0b0010), put);
}

bool encode_unsubscribe(Bytes& out, const Unsubscribe& unsubscribe, Version version) {
  const auto put = [&unsubscribe, version](auto& sink) { put_filters(sink, unsubscribe, version); };
  return append_packet(out, first_byte(PacketType::unsubscribe, 0b0010), put);
}

bool encode_suback(Bytes& out, const Suback& suback, Version version) {
  const auto put = [&suback, version](auto& sink) {
    sink.u16(suback.packet_id);
    put_with_length(sink, suback.properties, version);
    if (version == Version::v5) return sink.raw(suback.codes);
    for (std::size_t i = 0; i < suback.codes.size(); ++i) {
      const Reason code = is_failure(suback.code(i)) ? Reason::unspecified_error : suback.code(i);
      sink.u8(static_cast<std::uint8_t>(code));
    }
  };
  return append_packet(out, first_byte(PacketType::suback), put);
}

bool encode_unsuback(Bytes& out, const Unsuback& unsuback, Version version) {
  const auto put = [&unsuback, version](auto& sink) {
    sink.u16(unsuback.packet_id);
    if (version != Version::v5) return;
    put_with_length(sink, unsuback.properties, version);
    sink.raw(unsuback.codes);
  };
  return append_packet(out, first_byte(PacketType::unsuback), put);
}

void encode_pingreq(Bytes& out) {
  constexpr std::array kBytes{std::byte{first_byte(PacketType::pingreq)}, std::byte{0}};
  out.insert(out.end(), kBytes.begin(), kBytes.end());
}

void encode_pingresp(Bytes& out) {
  constexpr std::array kBytes{std::byte{first_byte(PacketType::pingresp)}, std::byte{0}};
  out.insert(out.end(), kBytes.begin(), kBytes.end());
}

bool encode_disconnect(Bytes& out, const Disconnect& disconnect, Version version) {
  const auto put = [&disconnect, version](auto& sink) {
    if (version == Version::v5) put_reason(sink, disconnect.reason, disconnect.properties);
  };
  return append_packet(out, first_byte(PacketType::disconnect), put);
}

bool encode_auth(Bytes& out, const Auth& auth) {
  const auto put = [&auth](auto& sink) { put_reason(sink, auth.reason, auth.properties); };
  return append_packet(out, first_byte(PacketType::auth), put);
}

bool append_filter(Bytes& out, std::string_view filter, const FilterOptions& options) {
  if (!append_filter(out, filter)) return false;
  out.push_back(std::byte{options_byte(options)});
  return true;
}

bool append_filter(Bytes& out, std::string_view filter) {
  if (filter.size() > kTextBytesMax) return false;
  Writer(grow(out, 2 + filter.size())).field(filter);
  return true;
}

namespace {

struct Encoder {
  Bytes& out;
  Version version;

  bool operator()(const Connect& packet) const { return encode_connect(out, packet); }
  bool operator()(const Connack& packet) const { return encode_connack(out, packet, version); }
  bool operator()(const Publish& packet) const { return encode_publish(out, packet, version); }
  bool operator()(const Ack& packet) const { return encode_ack(out, packet, version); }
  bool operator()(const Subscribe& packet) const { return encode_subscribe(out, packet, version); }
  bool operator()(const Suback& packet) const { return encode_suback(out, packet, version); }
  bool operator()(const Unsubscribe& packet) const { return encode_unsubscribe(out, packet, version); }
  bool operator()(const Unsuback& packet) const { return encode_unsuback(out, packet, version); }
  bool operator()(const Ping& packet) const {
    packet.type == PacketType::pingreq ? encode_pingreq(out) : encode_pingresp(out);
    return true;
  }
  bool operator()(const Disconnect& packet) const { return encode_disconnect(out, packet, version); }
  bool operator()(const Auth& packet) const { return version == Version::v5 && encode_auth(out, packet); }
};

}  // namespace

bool encode(Bytes& out, const Packet& packet, Version version) { return std::visit(Encoder{out, version}, packet); }

}  // namespace holdfast::wire::mqtt
