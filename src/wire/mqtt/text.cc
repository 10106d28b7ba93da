#include "wire/mqtt/text.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/utf8.h"
#include "wire/mqtt/rule.h"

namespace holdfast::wire::mqtt {
namespace {

//= MQTT5 [MQTT-1.5.4-1]
//= MQTT311 [MQTT-1.5.3-1]
constexpr Rule kNotUtf8{Reason::malformed_packet, "MQTT311 [MQTT-1.5.3-1]", "MQTT5 [MQTT-1.5.4-1]",
                        "a text is not UTF-8"};
//= MQTT5 [MQTT-1.5.4-2]
//= MQTT5 [MQTT-4.7.3-2]
//= MQTT311 [MQTT-1.5.3-2]
//= MQTT311 [MQTT-4.7.3-2]
constexpr Rule kNull{Reason::malformed_packet, "MQTT311 [MQTT-1.5.3-2]", "MQTT5 [MQTT-1.5.4-2]",
                     "a text contains U+0000"};
//= MQTT5 [MQTT-3.3.2-2]
//= MQTT5 [MQTT-4.7.1-1]
//= MQTT311 [MQTT-3.3.2-2]
//= MQTT311 [MQTT-4.7.1-1]
constexpr Rule kWildcard{Reason::topic_name_invalid, "MQTT311 [MQTT-3.3.2-2]", "MQTT5 [MQTT-3.3.2-2]",
                         "a topic name contains a wildcard"};

constexpr std::uint64_t repeated(char c) { return 0x0101'0101'0101'0101U * static_cast<unsigned char>(c); }

// The highest bit of bytes that are zero; of a byte above a zero perhaps as well.
constexpr std::uint64_t zero_bytes(std::uint64_t word) { return (word - repeated(1)) & ~word & repeated('\x80'); }

// Not 0 when a byte is zero or above 0x7f.
struct InTexts {
  static std::uint64_t suspicious(std::uint64_t word) { return ((word - repeated(1)) | word) & repeated('\x80'); }
};
// ... or a wildcard.
struct InTopics {
  static std::uint64_t suspicious(std::uint64_t word) {
    return InTexts::suspicious(word) | zero_bytes(word ^ repeated('+')) | zero_bytes(word ^ repeated('#'));
  }
};

std::uint64_t load(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Up to seven bytes, the rest filled with what nobody suspects.
std::uint64_t load_short(std::string_view text) {
  std::uint64_t word = repeated(' ');
  for (const char c : text) word = word << 8 | static_cast<unsigned char>(c);
  return word;
}

// ASCII, with nothing in it that is not plainly allowed.
template <typename Where>
bool is_plain(std::string_view text) {
  if (text.size() < sizeof(std::uint64_t)) return Where::suspicious(load_short(text)) == 0;
  const std::size_t last = text.size() - sizeof(std::uint64_t);
  std::uint64_t found = Where::suspicious(load(text.data() + last));  // reads some bytes twice, and no tail is left
  for (std::size_t at = 0; at < last; at += sizeof(std::uint64_t)) found |= Where::suspicious(load(text.data() + at));
  return found == 0;
}

const Fault* check_slowly(std::string_view text, Version version) {
  if (!base::is_utf8(text)) return broken(kNotUtf8, version);
  if (text.find('\0') != std::string_view::npos) return broken(kNull, version);
  return nullptr;
}

}  // namespace

const Fault* check_text(std::string_view text, Version version) noexcept {
  return is_plain<InTexts>(text) ? nullptr : check_slowly(text, version);
}

const Fault* check_topic(std::string_view topic, Version version) noexcept {
  if (is_plain<InTopics>(topic)) return nullptr;
  if (const Fault* fault = check_slowly(topic, version)) return fault;
  return topic.find_first_of("+#") != std::string_view::npos ? broken(kWildcard, version) : nullptr;
}

}  // namespace holdfast::wire::mqtt
