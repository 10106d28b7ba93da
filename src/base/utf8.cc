#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace holdfast::base {
namespace {

// What may come next. The number is where the state has its six bits in a row of kNext.
enum State : std::uint64_t {
  kNothing = 0,  // what came was not UTF-8, and what follows cannot mend it
  kCharacter = 6,
  kOneMore = 12,
  kTwoMore = 18,
  kThreeMore = 24,
  kAfterE0 = 30,  // where a second byte that is too low would be overlong,
  kAfterED = 36,  // and one that is too high a surrogate;
  kAfterF0 = 42,  // overlong again,
  kAfterF4 = 48,  // and above the last code point
};

struct Step {
  State from;
  unsigned first, last;  // bytes
  State to;
};

//= RFC3629 4
constexpr Step kSteps[] = {
    {kCharacter, 0x00, 0x7f, kCharacter}, {kCharacter, 0xc2, 0xdf, kOneMore},   {kCharacter, 0xe0, 0xe0, kAfterE0},
    {kCharacter, 0xe1, 0xec, kTwoMore},   {kCharacter, 0xed, 0xed, kAfterED},   {kCharacter, 0xee, 0xef, kTwoMore},
    {kCharacter, 0xf0, 0xf0, kAfterF0},   {kCharacter, 0xf1, 0xf3, kThreeMore}, {kCharacter, 0xf4, 0xf4, kAfterF4},
    {kAfterE0, 0xa0, 0xbf, kOneMore},     {kAfterED, 0x80, 0x9f, kOneMore},     {kAfterF0, 0x90, 0xbf, kTwoMore},
    {kAfterF4, 0x80, 0x8f, kTwoMore},     {kThreeMore, 0x80, 0xbf, kTwoMore},   {kTwoMore, 0x80, 0xbf, kOneMore},
    {kOneMore, 0x80, 0xbf, kCharacter},
};

// A row for each byte: the state after it, for each state before it. So a step is a load that waits for nobody and a
// shift, without a branch.
constexpr std::array<std::uint64_t, 256> kNext = [] {
  std::array<std::uint64_t, 256> rows{};
  for (const Step& step : kSteps) {
    for (unsigned byte = step.first; byte <= step.last; ++byte) rows[byte] |= std::uint64_t{step.to} << step.from;
  }
  return rows;
}();

State next(State state, char byte) noexcept {
  return static_cast<State>(kNext[static_cast<unsigned char>(byte)] >> state & 63);
}

bool is_ascii(const char* eight_bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, eight_bytes, sizeof word);
  return (word & 0x8080'8080'8080'8080) == 0;
}

}  // namespace

Utf8Character first_character(std::string_view text) noexcept {
  if (text.empty()) std::abort();
  std::size_t length = 0;
  State state = kCharacter;
  do {
    if (length == text.size()) return {};
    state = next(state, text[length++]);
    if (state == kNothing) return {};
  } while (state != kCharacter);
  char32_t code_point = static_cast<unsigned char>(text[0]) & (length == 1 ? 0x7fU : 0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {code_point, length};
}

bool is_utf8(std::string_view text) noexcept {
  State state = kCharacter;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    if (state == kCharacter && is_ascii(text.data())) continue;
    for (const char byte : text.substr(0, 8)) state = next(state, byte);
  }
  for (const char byte : text) state = next(state, byte);
  return state == kCharacter;
}

std::string to_utf8(std::string text) {
  if (is_utf8(text)) return text;
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

}  // namespace holdfast::base
