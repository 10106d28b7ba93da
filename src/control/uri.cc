#include "control/uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace holdfast::control {
namespace {

constexpr std::size_t kPrintableBytesMax = 200;

base::Error malformed(const char* where) { return {base::Errc::malformed, base::Side::client, 0, where}; }

}  // namespace

//= RFC3986 2.1
base::Result<std::string> decode_percent(std::string_view text) {
  const base::Error error = malformed("percent-encoding");
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return error;
    unsigned char byte = 0;
    const char* const digits = text.data() + i + 1;
    if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2 || byte == 0) return error;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  if (!base::is_utf8(decoded)) return error;
  return decoded;
}

//= RFC3986 2.3
std::string encode_percent(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += unreserved ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

base::Result<NamedValues> parse_query(std::string_view text) {
  NamedValues values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    std::string piece(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.empty()) continue;
    std::ranges::replace(piece, '+', ' ');
    const std::size_t equals = std::min(piece.find('='), piece.size());
    auto name = decode_percent(std::string_view(piece).substr(0, equals));
    auto value = decode_percent(std::string_view(piece).substr(std::min(equals + 1, piece.size())));
    if (!name) return name.error();
    if (!value) return value.error();
    values.push_back({std::move(*name), std::move(*value)});
  }
  return values;
}

//= RFC9112 3.2.2
base::Result<Target> parse_target(std::string_view text) {
  if (text.starts_with("http://")) {
    text.remove_prefix(std::min(text.find_first_of("/?", std::string_view("http://").size()), text.size()));
  } else if (!text.starts_with('/')) {
    return malformed("request target");
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  auto query = parse_query(text.substr(std::min(question + 1, text.size())));
  if (!query) return query.error();
  const std::string_view path = text.substr(0, question);
  return Target{std::string(path.empty() ? "/" : path), std::move(*query)};
}

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (shown.size() + 3 > kPrintableBytesMax - 3) return shown + "...";
    shown += c > 0x20 && c < 0x7f ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return shown;
}

}  // namespace holdfast::control
