#include "wire/websocket/http_head.h"

#include <algorithm>

namespace holdfast::wire::websocket {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token_character(char c) {
  const bool is_alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  return is_alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

//= RFC9112 2.2
// No control characters but the CR LF of lines, the last of which may be only half there.
bool may_be_head(std::string_view input) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (input[i] == '\r') {
      if (i + 1 < input.size() && input[i + 1] != '\n') return false;
    } else if (input[i] == '\n') {
      if (i == 0 || input[i - 1] != '\r') return false;
    } else if (is_control(input[i])) {
      return false;
    }
  }
  return true;
}

//= RFC9112 5.1
//= RFC9112 5.2
// A name, and the colon right behind it; so a folded line, which begins with space, is none.
bool are_fields(std::string_view fields) {
  while (!fields.empty()) {
    const std::string_view line = fields.substr(0, fields.find(kLineEnd));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    fields.remove_prefix(line.size() + kLineEnd.size());
  }
  return true;
}

}  // namespace

bool is_token(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_token_character); }

std::string_view take_item(std::string_view& list) noexcept {
  const std::string_view item = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), item.size() + 1));
  return trimmed(item);
}

bool HttpHead::is_same(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

HttpHead::Field HttpHead::take_field(std::string_view& rest) noexcept {
  const std::string_view line = rest.substr(0, rest.find(kLineEnd));
  rest.remove_prefix(std::min(rest.size(), line.size() + kLineEnd.size()));
  const std::size_t colon = std::min(line.find(':'), line.size());
  return {line.substr(0, colon), trimmed(line.substr(std::min(line.size(), colon + 1)))};
}

std::size_t HttpHead::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  each(name, [&found](std::string_view) { ++found; });
  return found;
}

std::string_view HttpHead::last(std::string_view name) const noexcept {
  std::string_view found;
  each(name, [&found](std::string_view value) { found = value; });
  return found;
}

bool HttpHead::lists(std::string_view name, std::string_view word) const noexcept {
  bool found = false;
  each(name, [&found, word](std::string_view value) {
    while (!value.empty()) found = is_same(take_item(value), word) || found;
  });
  return found;
}

HttpHead read_http_head(std::string_view input, std::size_t bytes_max) noexcept {
  const auto is = [](HeadStatus status) { return HttpHead{status, 0, {}, {}}; };
  const std::string_view seen = input.substr(0, bytes_max);
  const std::size_t end = seen.find(kHeadEnd);
  const std::string_view head = seen.substr(0, end);
  if (!may_be_head(head)) return is(HeadStatus::malformed);
  if (end == std::string_view::npos) return is(seen.size() == bytes_max ? HeadStatus::too_long : HeadStatus::more);
  const std::string_view lines = seen.substr(0, end + kLineEnd.size());
  const std::string_view first_line = lines.substr(0, lines.find(kLineEnd));
  const std::string_view fields = lines.substr(first_line.size() + kLineEnd.size());
  if (!are_fields(fields)) return is(HeadStatus::malformed);
  return {HeadStatus::whole, end + kHeadEnd.size(), first_line, fields};
}

}  // namespace holdfast::wire::websocket
