#include "discovery/server_list.h"

#include <fmt/format.h>

#include "config/servers.h"
#include "config/toml_reader.h"
#include "discovery/json_document.h"

namespace holdfast::discovery {

std::optional<Format> format_of(const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension == ".json") return Format::json;
  if (extension == ".toml") return Format::toml;
  return std::nullopt;
}

ServerListText read_server_list(std::string_view text, Format format, std::string_view name) {
  config::Faults faults;
  const auto root = format == Format::json ? read_json(text, faults) : config::read_toml(text, faults);
  auto list = root ? config::read_servers(*root, faults) : std::nullopt;
  if (!list) return {std::nullopt, faults.in_file_order(name)};
  std::string version = list->version.empty() ? content_version(text) : std::move(list->version);
  return {Endpoints{std::move(list->servers), std::move(version)}, {}};
}

std::string content_version(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return fmt::format("{:016x}", hash);
}

std::string summary(const std::vector<config::Fault>& faults) {
  const std::size_t more = faults.size() - 1;
  const std::string first = config::to_text(faults.front());
  return more == 0 ? first : fmt::format("{} (and {} more fault{})", first, more, more == 1 ? "" : "s");
}

}  // namespace holdfast::discovery
