// apps/holdfast/rate.h: how often, as a user writes it on a command line: the same for every command.
//
// Thread: pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/units.h"

namespace holdfast::app {

inline constexpr const char* kRateForm = "must be like 200/s or 30/m, or 200, which is 200/s";

// "200/s", "30/m", "5/h", and "200", which is so many a second.
[[nodiscard]] std::optional<base::Rate> parse_rate(std::string_view text);

}  // namespace holdfast::app
