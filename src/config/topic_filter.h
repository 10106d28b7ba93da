// config/topic_filter.h: the filters of MQTT that keys and files of rules have.
//
// Thread: pure. Cost: linear, no allocation.
#pragma once

#include <string_view>

namespace holdfast::config {

inline constexpr std::size_t kTopicBytesMax = 65'535;

// Not empty, at most kTopicBytesMax of UTF-8 without NUL, "+" only as a whole level, "#" only as the last one.
//= MQTT5 [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3]
[[nodiscard]] bool is_topic_filter(std::string_view text) noexcept;
// The same, and without wildcards.
[[nodiscard]] bool is_topic(std::string_view text) noexcept;

// The first "%" with a letter behind it that is neither "%u" nor "%c", or nothing.
[[nodiscard]] std::string_view unknown_name_in(std::string_view filter) noexcept;

// How many levels of a filter are "+" or "#".
[[nodiscard]] std::size_t wildcards_in(std::string_view filter) noexcept;

}  // namespace holdfast::config
