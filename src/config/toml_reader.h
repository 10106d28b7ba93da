// config/toml_reader.h: TOML text to a tree of values. The one place that knows the TOML library.
//
// Thread: pure. Errors: one fault, at the first place that is not TOML.
// Limits: nesting as in nesting.h.
// Source: TOML 1.0.0, https://toml.io/en/v1.0.0
#pragma once

#include <optional>
#include <string_view>

#include "config/document.h"
#include "config/fault.h"

namespace holdfast::config {

// The root table, or nothing and a fault.
[[nodiscard]] std::optional<Value> read_toml(std::string_view text, Faults& faults);

}  // namespace holdfast::config
