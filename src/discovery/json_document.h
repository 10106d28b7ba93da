// discovery/json_document.h: JSON text to the tree of values that the configuration language reads.
//
// Thread: pure. Cost: one pass. Errors: faults with line and column, as for TOML: the first place that is not JSON, or
//         every null and every key that an object has twice.
// Limits: 32 brackets inside each other; the size is the caller's to bound.
// Source: RFC 8259. Whole numbers beyond 64 bits become real ones.
#pragma once

#include <optional>
#include <string_view>

#include "config/document.h"
#include "config/fault.h"

namespace holdfast::discovery {

// The value that `text` is, or nothing and faults.
[[nodiscard]] std::optional<config::Value> read_json(std::string_view text, config::Faults& faults);

}  // namespace holdfast::discovery
