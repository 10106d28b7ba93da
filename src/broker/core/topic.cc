#include "broker/core/topic.h"

#include <algorithm>

namespace holdfast::broker {
namespace {

constexpr std::string_view kShare = "$share/";
constexpr std::string_view kQueue = "$queue/";

// The first level of `rest`, which loses it and the slash after it; `is_last` when there was none.
struct Level {
  std::string_view text;
  bool is_last;
};
Level take_level(std::string_view& rest) noexcept {
  const std::size_t end = rest.find('/');
  const Level level{rest.substr(0, end), end == std::string_view::npos};
  rest.remove_prefix(level.is_last ? rest.size() : end + 1);
  return level;
}

bool is_sized(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kTopicBytesMax && count_levels(name) <= kLevelsMax;
}

ShareRead shared(std::string_view group, std::string_view filter) noexcept {
  if (!valid_filter(filter)) return {.form = ShareRead::Form::malformed, .group = {}, .filter = {}};
  return {.form = ShareRead::Form::shared, .group = group, .filter = filter};
}

}  // namespace

std::size_t count_levels(std::string_view name) noexcept {
  return static_cast<std::size_t>(std::ranges::count(name, '/')) + 1;
}

// Two searches for a byte are far faster than one for any of two.
bool has_wildcard(std::string_view filter) noexcept {
  return filter.find('+') != std::string_view::npos || filter.find('#') != std::string_view::npos;
}

//= MQTT5 [MQTT-4.7.0-1]
//= MQTT5 [MQTT-4.7.3-1]
//= MQTT311 [MQTT-4.7.1-1]
//= MQTT311 [MQTT-4.7.3-1]
bool valid_topic(std::string_view topic) noexcept { return is_sized(topic) && !has_wildcard(topic); }

//= MQTT5 [MQTT-4.7.1-1]
//= MQTT5 [MQTT-4.7.1-2]
//= MQTT311 [MQTT-4.7.1-2]
//= MQTT311 [MQTT-4.7.1-3]
//= MQTT5 [MQTT-4.7.3-1]
//= MQTT311 [MQTT-4.7.3-1]
bool valid_filter(std::string_view filter) noexcept {
  if (!is_sized(filter)) return false;
  while (true) {
    const Level level = take_level(filter);
    if (has_wildcard(level.text) && level.text.size() != 1) return false;
    if (level.text == "#" && !level.is_last) return false;
    if (level.is_last) return true;
  }
}

//= MQTT5 [MQTT-4.8.2-1]
//= MQTT5 [MQTT-4.8.2-2]
ShareRead parse_share(std::string_view filter) noexcept {
  if (filter.starts_with(kQueue)) return shared(kQueue.substr(0, kQueue.size() - 1), filter.substr(kQueue.size()));
  if (!filter.starts_with(kShare)) return {};
  std::string_view rest = filter.substr(kShare.size());
  const Level group = take_level(rest);
  if (group.text.empty() || group.is_last || has_wildcard(group.text)) return {ShareRead::Form::malformed, {}, {}};
  return shared(group.text, rest);
}

//= MQTT5 [MQTT-4.7.2-1]
//= MQTT311 [MQTT-4.7.2-1]
bool matches(std::string_view filter, std::string_view topic) noexcept {
  if (is_dollar(topic) && begins_wild(filter)) return false;
  while (true) {
    const Level wanted = take_level(filter);
    if (wanted.text == "#") return true;
    const Level level = take_level(topic);
    if (wanted.text != "+" && wanted.text != level.text) return false;
    if (level.is_last) return wanted.is_last || filter == "#";
    if (wanted.is_last) return false;
  }
}

}  // namespace holdfast::broker
