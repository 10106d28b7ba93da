// Any bytes yield one line of bounded length, UTF-8 without control characters; in JSON, one flat object.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/log_line.h"
#include "base/utf8.h"

namespace {

namespace base = holdfast::base;

void demand(bool holds) {
  if (!holds) std::abort();
}

// The next piece; its first byte says how long it is, in steps that reach beyond the longest line.
std::string_view take(std::string_view& rest) {
  const std::size_t wanted = rest.empty() ? 0 : static_cast<unsigned char>(rest.front());
  rest.remove_prefix(std::min<std::size_t>(rest.size(), 1));
  const std::string_view piece = rest.substr(0, wanted < 128 ? wanted : (wanted - 127) * 64);
  rest.remove_prefix(piece.size());
  return piece;
}

template <typename T>
T number(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

base::LogField take_field(std::string_view& rest) {
  const std::string_view key = take(rest);
  const std::string_view value = take(rest);
  switch (key.size() % 4) {
    case 1: return {key, number<std::int64_t>(value)};
    case 2: return {key, number<double>(value)};
    default: return {key, std::string(value)};
  }
}

bool is_one_line(std::string_view line) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return line.size() <= base::kLogLineBytesMax && line.ends_with('\n') && base::is_utf8(line) &&
         std::ranges::find_if(line, is_control) == line.end() - 1;
}

// The object without what stands in its strings; a string that does not end, or a wrong escape, yields nothing.
std::string skeleton(std::string_view object) {
  std::string outside;
  bool in_string = false;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (!in_string || object[i] == '"') outside += object[i];
    if (object[i] == '"') in_string = !in_string;
    if (!in_string || object[i] != '\\') continue;
    if (++i == object.size() || std::string_view("\"\\nrtu").find(object[i]) == std::string_view::npos) return {};
  }
  return in_string ? std::string() : outside;
}

// {"":"","":"","":"" and then ,"":"" or ,"":number for each field.
bool is_flat_object(std::string_view line) {
  const std::string bones = skeleton(line);
  return bones.starts_with(R"({"":"","":"","":"")") && bones.ends_with("}\n") && std::ranges::count(bones, '{') == 1 &&
         std::ranges::count(bones, '}') == 1 && std::ranges::count(bones, ':') == std::ranges::count(bones, ',') + 1 &&
         bones.find_first_not_of("{}:,\"0123456789+-.enultr\n") == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  base::LogRecord record{base::LogLevel::warning, {}, take(rest), {}};
  std::vector<base::LogField> fields;
  while (!rest.empty() && fields.size() < 16) fields.push_back(take_field(rest));
  record.fields = fields;
  demand(is_one_line(log_line(base::LogFormat::text, record)));
  const std::string object = log_line(base::LogFormat::json, record);
  demand(is_one_line(object) && is_flat_object(object));
  return 0;
}
