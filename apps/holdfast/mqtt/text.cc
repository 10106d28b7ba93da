#include "mqtt/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/mqtt/packets.h"
#include "wire/mqtt/text.h"

namespace holdfast::app {

namespace mqtt = wire::mqtt;

std::string reason_name(mqtt::Reason reason) {
  std::string text = mqtt::name(reason);
  if (text.empty()) return "a reason that MQTT does not know";
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (const std::size_t at = text.find("qos"); at != std::string::npos) text.replace(at, 3, "QoS");
  return text;
}

std::string reason_text(mqtt::Reason reason) {
  return fmt::format("{} (0x{:02x})", reason_name(reason), static_cast<unsigned>(reason));
}

bool is_not_allowed(mqtt::Reason reason) noexcept {
  return reason == mqtt::Reason::not_authorized || reason == mqtt::Reason::bad_user_name_or_password ||
         reason == mqtt::Reason::banned || reason == mqtt::Reason::bad_authentication_method;
}

const char* version_name(mqtt::Version version) noexcept {
  switch (version) {
    case mqtt::Version::v31: return "MQTT 3.1";
    case mqtt::Version::v311: return "MQTT 3.1.1";
    case mqtt::Version::v5: return "MQTT 5";
  }
  return "";
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t there = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < there ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += k <= there ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string with_number(std::string_view text, std::uint64_t number) {
  constexpr std::string_view kPlace = "{n}";
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = text.find(kPlace); at != std::string_view::npos; at = text.find(kPlace, from)) {
    out.append(text, from, at - from);
    out += std::to_string(number);
    from = at + kPlace.size();
  }
  return out.append(text, from);
}

std::string check_text(const std::string& text) {
  if (text.size() > mqtt::kTextBytesMax) return "must be at most 65535 bytes";
  return mqtt::check_text(text, mqtt::Version::v5) == nullptr ? "" : "must be UTF-8";
}

std::string check_topic(const std::string& text) {
  if (text.empty()) return "a topic is not empty";
  if (const std::string fault = check_text(text); !fault.empty()) return fault;
  return mqtt::check_topic(text, mqtt::Version::v5) == nullptr ? ""
                                                               : "a topic has no wildcards: + and # are for filters";
}

std::string check_filter(const std::string& text) { return text.empty() ? "a filter is not empty" : check_text(text); }

}  // namespace holdfast::app
