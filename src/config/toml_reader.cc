#include "config/toml_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "config/nesting.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kReasonBytesMax = 300;

Position to_position(const toml::source_position& at) { return {at.line, at.column}; }

Value to_value(const toml::node& node);

Members to_members(const toml::table& table) {
  Members members;
  members.reserve(table.size());
  for (const auto& [key, node] : table) {
    members.push_back({std::string(key.str()), to_position(key.source().begin), to_value(node)});
  }
  return members;
}

List to_list(const toml::array& array) {
  List list;
  list.reserve(array.size());
  for (const toml::node& item : array) list.push_back(to_value(item));
  return list;
}

Value to_value(const toml::node& node) {
  const Position position = to_position(node.source().begin);
  if (const auto* table = node.as_table()) return {to_members(*table), position};
  if (const auto* array = node.as_array()) return {to_list(*array), position};
  if (const auto* text = node.as_string()) return {text->get(), position};
  if (const auto* integer = node.as_integer()) return {integer->get(), position};
  if (const auto* real = node.as_floating_point()) return {real->get(), position};
  if (const auto* boolean = node.as_boolean()) return {boolean->get(), position};
  return {Moment{}, position};
}

// What to do about it, by the words of the library. The first match counts.
struct Hint {
  std::string_view reason;
  std::string_view text;
};
constexpr std::string_view kQuotes = "; text and values with a unit stand in quotes, such as \"5s\"";
constexpr std::string_view kBothBrackets = "; write it with double brackets each time, or with single ones once";
constexpr Hint kHints[] = {
    {"as array-of-tables", kBothBrackets},
    {"existing array", kBothBrackets},
    {"cannot redefine", "; remove one of the two"},
    {"unescaped control", "; is a closing quote missing?"},
    {"parsing value: could not", kQuotes},
    {"integer: expected", kQuotes},
    {"floating-point: expected", kQuotes},
    {"boolean: expected", kQuotes},
    {"date: expected", kQuotes},
    {"time: expected", kQuotes},
};

std::string_view hint_for(std::string_view reason) {
  const auto contains = [reason](const Hint& hint) { return reason.find(hint.reason) != std::string_view::npos; };
  const auto* const found = std::ranges::find_if(kHints, contains);
  return found == std::end(kHints) ? "" : found->text;
}

std::string explain(std::string_view reason) {
  if (reason.find("utf-8") != std::string_view::npos) return "this is not UTF-8; save the file in that encoding";
  constexpr std::string_view kPrefix = "Error while ";
  if (reason.starts_with(kPrefix)) reason.remove_prefix(kPrefix.size());
  return fmt::format("not valid TOML, {}{}", printable(reason, kReasonBytesMax), hint_for(reason));
}

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 when there is none
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return {static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(std::ranges::count_if(before.substr(line_start), starts_character) + 1)};
}

std::string too_deep_text() {
  return fmt::format("nested too deeply; at most {} brackets inside each other and {} parts in a name", kBracketsMax,
                     kNamePartsMax);
}

// What is wrong in the text before `end`, or at `end`, where it is too deep.
void add_too_deep(std::string_view text, std::size_t end, Faults& faults) {
  const Position position = position_of(text, end);
  try {
    (void)toml::parse(text.substr(0, end));
  } catch (const toml::parse_error& error) {
    const Position earlier = to_position(error.source().begin);
    if (earlier < position) return faults.add(earlier, explain(error.description()));
  }
  faults.add(position, too_deep_text());
}

}  // namespace

std::optional<Value> read_toml(std::string_view text, Faults& faults) {
  if (const auto end = find_too_deep(text)) {
    add_too_deep(text, *end, faults);
    return std::nullopt;
  }
  try {
    const toml::table root = toml::parse(text);
    return Value{to_members(root), {1, 1}};
  } catch (const toml::parse_error& error) {
    faults.add(to_position(error.source().begin), explain(error.description()));
    return std::nullopt;
  }
}

}  // namespace holdfast::config
