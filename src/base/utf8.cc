#include "base/utf8.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::base {
namespace {

// The length of the sequences that begin with `first`; 0 when none does.
std::size_t length_after(unsigned char first) noexcept {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

// False for what a shorter sequence could say, for surrogates and for what is above the last code point.
bool is_allowed(char32_t code_point, std::size_t length) noexcept {
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point >= kSmallest[length] && code_point <= 0x10ffff && !surrogate;
}

}  // namespace

//= RFC3629 4
Utf8Character first_character(std::string_view text) noexcept {
  if (text.empty()) std::abort();
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = length_after(byte(0));
  if (length == 1) return {byte(0), 1};
  if (length == 0 || text.size() < length) return {};
  char32_t code_point = byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fU);
  }
  if (!is_allowed(code_point, length)) return {};
  return {code_point, length};
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    if (!character.code_point) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

std::string to_utf8(std::string text) {
  if (is_utf8(text)) return text;
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

}  // namespace holdfast::base
