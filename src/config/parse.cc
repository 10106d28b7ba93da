#include "config/parse.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "base/units.h"
#include "config/references.h"
#include "config/schema.h"
#include "config/toml_reader.h"

namespace holdfast::config {
namespace {

Parsed whole_file_fault(std::string_view file_name, std::string text) {
  return {std::nullopt, {Fault{std::string(file_name), 0, 0, std::move(text)}}};
}

std::optional<Settings> read_settings(std::string_view text, Faults& faults) {
  const auto root = read_toml(text, faults);
  if (!root) return std::nullopt;
  auto settings = schema().read(*root, Reading(faults));
  if (settings) check_references(*settings, *root, faults);
  return settings;
}

}  // namespace

Parsed parse_text(std::string_view text, std::string_view file_name) {
  if (text.size() > kTextBytesMax) {
    return whole_file_fault(
        file_name, fmt::format("too large; a configuration has at most {}", base::to_text(base::Bytes{kTextBytesMax})));
  }
  Faults faults;
  auto settings = read_settings(text, faults);
  if (!faults.empty()) return {std::nullopt, faults.in_file_order(file_name)};
  return {std::move(settings), {}};
}

base::Result<std::string> read_text_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return base::system_error("open");
  std::string text;
  char block[65'536];
  while (text.size() <= kTextBytesMax) {
    const std::size_t count = std::fread(block, 1, sizeof block, file.get());
    if (count == 0) break;
    text.append(block, count);
  }
  if (std::ferror(file.get()) != 0) return base::system_error("read");
  return text;
}

Parsed parse_file(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return whole_file_fault(path, fmt::format("cannot be read ({})", text.error().text()));
  return parse_text(*text, path);
}

}  // namespace holdfast::config
