// control/utf8.h: texts that leave the process (JSON, metrics) must be UTF-8, whatever a peer sent.
//
// Thread: pure functions. Cost: one pass.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::control {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
// The text itself when it is UTF-8; otherwise with '?' for each byte that is not ASCII.
[[nodiscard]] std::string to_utf8(std::string text);

}  // namespace holdfast::control
