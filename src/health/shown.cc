#include "health/shown.h"

#include "base/utf8.h"

namespace holdfast::health {
namespace {

constexpr std::size_t kShownBytesMax = 200;

bool is_control_character(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

}  // namespace

std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const base::Utf8Character next = base::first_character(text);
    const bool good = next.code_point && !is_control_character(*next.code_point);
    const std::string_view piece = good ? text.substr(0, next.length) : "?";
    if (result.size() + piece.size() > kShownBytesMax) break;
    result += piece;
    text.remove_prefix(next.length);
  }
  return result;
}

}  // namespace holdfast::health
