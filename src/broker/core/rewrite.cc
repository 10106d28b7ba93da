#include "broker/core/rewrite.h"

#include <array>

namespace holdfast::broker {
namespace {

constexpr std::size_t kCapturesMax = 9;

struct Captures {
  std::array<std::string_view, kCapturesMax> texts;
  std::size_t count = 0;

  void add(std::string_view text) {
    if (count < kCapturesMax) texts[count++] = text;
  }
};

std::string_view take_level(std::string_view& rest) {
  const std::size_t end = rest.find('/');
  const std::string_view level = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return level;
}

// Whether `filter` matches the topic `text`, or covers it where that is a filter: then `+` of it is a level like
// others, and `#` is more than a level.
//= MQTT5 [MQTT-4.7.2-1]
bool fits(std::string_view filter, std::string_view text, Captures& captures) {
  if (text.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) return false;
  for (bool more_text = true;;) {
    const bool last_of_filter = filter.find('/') == std::string_view::npos;
    const std::string_view wanted = take_level(filter);
    if (wanted == "#") {
      captures.add(more_text ? text : std::string_view());
      return true;
    }
    if (!more_text) return false;
    more_text = text.find('/') != std::string_view::npos;
    const std::string_view level = take_level(text);
    if (wanted == "+") {
      if (level == "#") return false;
      captures.add(level);
    } else if (wanted != level) {
      return false;
    }
    if (last_of_filter) return !more_text;
  }
}

}  // namespace

void expand(std::string& into, std::string_view pattern, std::string_view client_id, std::string_view user_name,
            std::span<const std::string_view> captured) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] == '%' && (next == 'c' || next == 'u')) {
      into += next == 'c' ? client_id : user_name;
      ++i;
    } else if (pattern[i] == '$' && next >= '1' && next <= '9' &&
               static_cast<std::size_t>(next - '1') < captured.size()) {
      into += captured[static_cast<std::size_t>(next - '1')];
      ++i;
    } else {
      into += pattern[i];
    }
  }
}

bool names_are_levels(std::string_view pattern, std::string_view client_id, std::string_view user_name) {
  const auto is_level = [pattern](std::string_view placeholder, std::string_view name) {
    return pattern.find(placeholder) == std::string_view::npos || name.find_first_of("/+#") == std::string_view::npos;
  };
  return is_level("%c", client_id) && is_level("%u", user_name);
}

bool names_fit(std::string_view pattern, std::string_view client_id, std::string_view user_name) {
  const auto is_name = [pattern](std::string_view placeholder, std::string_view name) {
    return pattern.find(placeholder) == std::string_view::npos || (!name.empty() && !name.starts_with('$'));
  };
  return names_are_levels(pattern, client_id, user_name) && is_name("%c", client_id) && is_name("%u", user_name);
}

std::string_view rewritten(std::span<const Rewrite> rules, Rewrite::Of action, std::string_view text,
                           std::string_view client_id, std::string_view user_name, std::string& made) {
  for (const Rewrite& rule : rules) {
    if (rule.action != Rewrite::Of::all && rule.action != action) continue;
    Captures captures;
    if (!fits(rule.from, text, captures)) continue;
    made.clear();
    expand(made, rule.to, client_id, user_name, std::span(captures.texts).first(captures.count));
    return made;
  }
  return text;
}

}  // namespace holdfast::broker
