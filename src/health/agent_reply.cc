#include "health/agent_reply.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "health/shown.h"

namespace holdfast::health {
namespace {

using Mode = AgentReply::Mode;
using Life = AgentReply::Life;

constexpr std::string_view kSeparators = " \t,";
constexpr std::string_view kWordEnds = " \t,#";
constexpr std::string_view kLimitPrefix = "maxconn:";
constexpr std::uint32_t kPercentMax = 100'000;  // the smallest weight becomes the largest there is

constexpr std::pair<std::string_view, Life> kLives[] = {
    {"up", Life::up}, {"down", Life::down}, {"stopped", Life::stopped}, {"fail", Life::fail}};
constexpr std::pair<std::string_view, Mode> kModes[] = {
    {"ready", Mode::ready}, {"drain", Mode::drain}, {"maint", Mode::maint}};

bool equal_in_any_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <typename Value, std::size_t N>
bool take_name(std::string_view word, const std::pair<std::string_view, Value> (&names)[N], Value& value) {
  for (const auto& [name, meaning] : names) {
    if (!equal_in_any_case(word, name)) continue;
    value = meaning;
    return true;
  }
  return false;
}

// Digits and nothing else; what does not fit is the largest.
bool take_number(std::string_view digits, std::uint32_t max, std::optional<std::uint32_t>& value) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return false;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  value = error == std::errc{} ? std::min(number, max) : max;
  return true;
}

bool take_word(std::string_view word, AgentReply& reply) {
  if (word.ends_with('%')) return take_number(word.substr(0, word.size() - 1), kPercentMax, reply.weight_percent);
  if (equal_in_any_case(word.substr(0, kLimitPrefix.size()), kLimitPrefix)) {
    return take_number(word.substr(kLimitPrefix.size()), ~std::uint32_t{0}, reply.max_connections);
  }
  return take_name(word, kLives, reply.life) || take_name(word, kModes, reply.mode);
}

std::string_view without_leading(std::string_view text, std::string_view marks) {
  return text.substr(std::min(text.find_first_not_of(marks), text.size()));
}

}  // namespace

std::optional<AgentReply> parse_agent_reply(std::string_view line) {
  line = line.substr(0, line.find_first_of("\r\n"));
  AgentReply reply;
  std::string unknown;
  bool knows_a_word = false;
  line = without_leading(line, kSeparators);
  while (!line.empty() && line.front() != '#') {
    const std::string_view word = line.substr(0, line.find_first_of(kWordEnds));
    if (take_word(word, reply)) {
      knows_a_word = true;
    } else {
      unknown += (unknown.empty() ? "" : " ") + std::string(word);
    }
    line = without_leading(line.substr(word.size()), kSeparators);
  }
  if (!unknown.empty() && !knows_a_word) return std::nullopt;
  const std::string_view remark = line.empty() ? line : without_leading(line.substr(1), " \t");
  reply.reason = shown(remark.empty() ? std::string_view(unknown) : remark);
  return reply;
}

}  // namespace holdfast::health
