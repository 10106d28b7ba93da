#include "config/topic_filter.h"

#include <algorithm>

#include "base/utf8.h"

namespace holdfast::config {
namespace {

bool is_text_of_mqtt(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kTopicBytesMax && text.find('\0') == std::string_view::npos &&
         base::is_utf8(text);
}

bool is_wildcard(std::string_view level) noexcept { return level == "+" || level == "#"; }

}  // namespace

bool is_topic_filter(std::string_view text) noexcept {
  if (!is_text_of_mqtt(text)) return false;
  for (std::size_t at = 0; (at = text.find_first_of("+#", at)) != std::string_view::npos; ++at) {
    const bool begins = at == 0 || text[at - 1] == '/';
    const bool last = at + 1 == text.size();
    const bool ends = last || (text[at] == '+' && text[at + 1] == '/');
    if (!begins || !ends) return false;
  }
  return true;
}

bool is_topic(std::string_view text) noexcept {
  return is_text_of_mqtt(text) && text.find_first_of("+#") == std::string_view::npos;
}

std::string_view unknown_name_in(std::string_view filter) noexcept {
  for (std::size_t at = 0; (at = filter.find('%', at)) != std::string_view::npos; ++at) {
    const char letter = at + 1 < filter.size() ? filter[at + 1] : '\0';
    const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (is_letter && letter != 'u' && letter != 'c') return filter.substr(at, 2);
  }
  return {};
}

std::size_t wildcards_in(std::string_view filter) noexcept {
  std::size_t count = 0;
  while (true) {
    const auto slash = filter.find('/');
    count += is_wildcard(filter.substr(0, slash)) ? 1U : 0U;
    if (slash == std::string_view::npos) return count;
    filter.remove_prefix(slash + 1);
  }
}

}  // namespace holdfast::config
