// config/nesting.h: refuses text so deeply nested that reading it would exhaust the stack.
//
// The TOML library limits brackets inside each other, but not the parts of a name: it takes "a.a.a.a..." of any
// length, and later frees the tables it made for them by recursion. So the depth is measured before it reads.
//
// Thread: pure. Cost: one pass over the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast::config {

constexpr std::size_t kBracketsMax = 32;   // open [ and { at one place
constexpr std::size_t kNamePartsMax = 16;  // parts of one name, joined by dots

// The offset of the first byte that nests deeper, if there is one. Exact for valid TOML; in other text it may be
// wrong, but only behind the first place that a TOML reader refuses.
[[nodiscard]] std::optional<std::size_t> find_too_deep(std::string_view text);

}  // namespace holdfast::config
