// health/shown.h: what a server sent, made fit for a reason that people read.
//
// Thread: pure function. Cost: one pass over what is kept.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::health {

// UTF-8 without control characters, '?' in the place of what is neither; at most 200 bytes, cut between characters.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace holdfast::health
