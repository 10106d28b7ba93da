// broker/core/retained_walk.h: how a filter with wildcards walks over topics in order, without those that cannot match.
//
// Pure functions for retained_tree.h. Cost: one pass over filter and topic.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::broker {

struct RetainedStep {
  bool is_match = false;
  bool is_done = false;  // nothing that is not before `from` can match
};

// The name before which no topic matches the filter, into `from`.
void begin_retained_walk(std::string_view filter, std::string& from);

// Whether the filter matches the topic; into `from`, a name behind it before which no other topic matches.
[[nodiscard]] RetainedStep walk_retained(std::string_view filter, std::string_view topic, std::string& from);

}  // namespace holdfast::broker
