// base/utf8.h: texts that leave the process (log, JSON, metrics) must be UTF-8, whatever a peer sent.
//
// Thread: pure functions. Cost: one pass; is_utf8() takes about 0.5 ns a byte, and 0.3 ns for eight that are ASCII.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::base {

// What stands at the front of a text: a character, or one byte that begins none.
struct Utf8Character {
  std::optional<char32_t> code_point;
  std::size_t length = 1;  // in bytes
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. An empty text is a programming error.
[[nodiscard]] Utf8Character first_character(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
// The text itself when it is UTF-8; otherwise with '?' for each byte that is not ASCII.
[[nodiscard]] std::string to_utf8(std::string text);

}  // namespace holdfast::base
