// broker/core/topic.h: what is a topic name, a topic filter, a shared subscription (MQTT 3.1.1 and 5.0, section 4.7).
//
// Bytes, not characters: that a name is UTF-8 without U+0000 and not longer than 65,535 bytes is what the codec checks.
// Names are compared byte by byte, nothing is normalised.
//= MQTT5 [MQTT-4.7.3-4]
//= MQTT311 [MQTT-4.7.3-4]
// Limits: kLevelsMax levels. Everything that walks over levels is bounded by it, so what is beyond is no valid name;
//         a server's own limit is lower or the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::broker {

inline constexpr std::size_t kTopicBytesMax = 65'535;
inline constexpr std::size_t kLevelsMax = 128;

// At least 1, for "" too: an empty name has one empty level, as "/" has two.
[[nodiscard]] std::size_t count_levels(std::string_view name) noexcept;

// A name to publish to: at least one byte, no wildcard, at most kLevelsMax levels.
[[nodiscard]] bool valid_topic(std::string_view topic) noexcept;

// A filter, already without "$share/GROUP/": at least one byte; `+` and `#` only as a whole level, `#` only at the end.
[[nodiscard]] bool valid_filter(std::string_view filter) noexcept;

[[nodiscard]] bool has_wildcard(std::string_view filter) noexcept;

// Names that begin with `$` are the server's own: a filter that begins with a wildcard does not match them.
[[nodiscard]] constexpr bool is_dollar(std::string_view name) noexcept { return name.starts_with('$'); }

[[nodiscard]] constexpr bool begins_wild(std::string_view filter) noexcept {
  return filter.starts_with('+') || filter.starts_with('#');
}

// "$share/GROUP/FILTER", and "$queue/FILTER" as EMQ has it, which is the one group of that name: `group` is "$queue".
// No group of the first form can be called that way by accident and mean another: they are the same group.
struct ShareRead {
  enum class Form : std::uint8_t { plain, shared, malformed };

  Form form = Form::plain;
  std::string_view group;   // both empty unless shared; views into what was read
  std::string_view filter;  // a valid filter
};
[[nodiscard]] ShareRead parse_share(std::string_view filter) noexcept;

// Whether a client behind a mountpoint sees a topic that one of its filters matches, both with the mountpoint before
// them: the mountpoint and something behind it. `t/#` matches `t` as well, which is no topic of who lives in `t/`; and
// to it `t/$x` begins with `$`, which its `#` and `+` do not match. Without a mountpoint that is what the trees see to.
//= MQTT5 [MQTT-4.7.2-1]
//= MQTT311 [MQTT-4.7.2-1]
[[nodiscard]] constexpr bool is_behind(std::string_view mountpoint, std::string_view filter,
                                       std::string_view topic) noexcept {
  if (mountpoint.empty()) return true;
  if (topic.size() <= mountpoint.size() || !topic.starts_with(mountpoint)) return false;
  return !is_dollar(topic.substr(mountpoint.size())) || !begins_wild(filter.substr(mountpoint.size()));
}

// Whether a valid filter matches a valid topic. For a few filters; the trees are for many. Allocates nothing.
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic) noexcept;

}  // namespace holdfast::broker
