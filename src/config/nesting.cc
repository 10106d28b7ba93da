#include "config/nesting.h"

#include <algorithm>

namespace holdfast::config {
namespace {

// The end of the string that opens at `at`, just behind its closing quotes; the end of the text if it never closes.
std::size_t skip_one_line(std::string_view text, std::size_t at) {
  const char quote = text[at++];
  for (; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == quote) return at + 1;
    if (text[at] == '\\' && quote == '"') ++at;
  }
  return std::min(at, text.size());
}

// As skip_one_line(), for """ and '''. Up to two quotes right before the closing ones belong to the string.
std::size_t skip_multi_line(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view closing = text.substr(at, 3);
  for (at += 3; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (text.substr(at, 3) == closing) {
      at += 3;
      for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
      return at;
    }
  }
  return text.size();
}

std::size_t skip_string(std::string_view text, std::size_t at) {
  const std::string_view opening = text.substr(at, 3);
  return opening == "\"\"\"" || opening == "'''" ? skip_multi_line(text, at) : skip_one_line(text, at);
}

struct Depth {
  std::size_t brackets = 0;
  std::size_t name_parts = 1;

  // `c` stands outside strings and comments.
  void take(char c) {
    if (c == '.') ++name_parts;
    if (c == '[' || c == '{') ++brackets;
    if ((c == ']' || c == '}') && brackets > 0) --brackets;
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) name_parts = 1;
  }
  [[nodiscard]] bool too_deep() const { return brackets > kBracketsMax || name_parts > kNamePartsMax; }
};

}  // namespace

std::optional<std::size_t> find_too_deep(std::string_view text) {
  Depth depth;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = skip_string(text, at);
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else {
      depth.take(c);
      if (depth.too_deep()) return at;
      ++at;
    }
  }
  return std::nullopt;
}

}  // namespace holdfast::config
