// auth/topic_rules.h: what a filter of a rule says about a topic, and about a filter that somebody subscribes to.
//
// Both sides are valid topics and filters. "$" at the beginning is never matched by a wildcard, as everywhere in MQTT.
//
// Thread: pure. Cost: one pass over both, no allocation.
#pragma once

#include <string_view>

namespace holdfast::auth {

//= MQTT5 [MQTT-4.7.2-1]
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic) noexcept;

// Whether every topic that `inner` matches is matched by `filter`. Says no to a few that are covered all the same, such
// as "#" by "+/#": who asks for a permission is on the safe side with that.
[[nodiscard]] bool covers(std::string_view filter, std::string_view inner) noexcept;

// Whether there is a topic that both match. Exact.
[[nodiscard]] bool overlaps(std::string_view a, std::string_view b) noexcept;

// The filter in "$share/GROUP/FILTER", "$queue/FILTER" and "$exclusive/TOPIC"; any other as it stands.
[[nodiscard]] std::string_view without_prefix(std::string_view filter) noexcept;
// The topic in "$delayed/SECONDS/TOPIC"; any other as it stands.
[[nodiscard]] std::string_view without_delay(std::string_view topic) noexcept;

}  // namespace holdfast::auth
