#include "config/document.h"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::config {
namespace {

constexpr std::size_t kQuotedBytesMax = 80;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Cuts at `bytes_max`, but never inside a character.
std::string_view shorten(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && is_continuation(text[bytes_max])) --bytes_max;
  return text.substr(0, bytes_max);
}

void append_printable(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (byte < 0x20 || byte == 0x7F) {
    out += fmt::format("\\u{:04x}", byte);
  } else {
    out += c;
  }
}

struct Describe {
  std::string operator()(const std::string& text) const { return "the text " + quoted(text); }
  std::string operator()(std::int64_t number) const { return fmt::format("the number {}", number); }
  std::string operator()(double number) const { return fmt::format("the number {}", number); }
  std::string operator()(bool yes) const { return yes ? "true" : "false"; }
  std::string operator()(Moment) const { return "a date or time"; }
  std::string operator()(const List& list) const {
    if (list.empty()) return "an empty list";
    return list.front().as<Members>() != nullptr ? "an array of tables" : "a list";
  }
  std::string operator()(const Members&) const { return "a table"; }
};

struct ToToml {
  std::string operator()(const std::string& text) const { return quoted(text); }
  std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
  std::string operator()(double number) const { return fmt::format("{}", number); }
  std::string operator()(bool yes) const { return yes ? "true" : "false"; }
  std::string operator()(Moment) const { return "a date or time"; }
  std::string operator()(const List& list) const {
    std::string out;
    for (const Value& item : list) out += (out.empty() ? "" : ", ") + to_toml(item);
    return "[" + out + "]";
  }
  std::string operator()(const Members&) const { return "{...}"; }
};

//= TOML 1.0 basic strings
void append_escaped(std::string& out, char c) {
  if (c == '"' || c == '\\') out += '\\';
  append_printable(out, c);
}

struct FullToml {
  std::string operator()(const std::string& text) const {
    std::string out = "\"";
    for (const char c : text) append_escaped(out, c);
    return out + '"';
  }
  std::string operator()(const List& list) const {
    std::string out;
    for (const Value& item : list) out += (out.empty() ? "" : ", ") + full_toml(item);
    return "[" + out + "]";
  }
  std::string operator()(const Members& members) const {
    std::string out;
    for (const Member& each : members) {
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", each.key, full_toml(each.value));
    }
    return "{" + out + "}";
  }
  std::string operator()(const auto& plain) const { return ToToml{}(plain); }
};

}  // namespace

const Value* Value::find(std::string_view key) const noexcept {
  const Members* members = as<Members>();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::key);
  return found == members->end() ? nullptr : &found->value;
}

std::string printable(std::string_view text, std::size_t bytes_max) {
  const std::string_view kept = shorten(text, bytes_max);
  std::string out;
  for (const char c : kept) append_printable(out, c);
  if (kept.size() < text.size()) out += "...";
  return out;
}

std::string quoted(std::string_view text) { return '"' + printable(text, kQuotedBytesMax) + '"'; }

std::string describe(const Value& value) { return std::visit(Describe{}, value.content); }

std::string to_toml(const Value& value) { return std::visit(ToToml{}, value.content); }

std::string full_toml(const Value& value) { return std::visit(FullToml{}, value.content); }

}  // namespace holdfast::config
