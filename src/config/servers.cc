#include "config/servers.h"

#include <fmt/format.h>

#include "config/sections.h"

namespace holdfast::config {
namespace {

constexpr std::size_t kVersionBytesMax = 128;

Kind<std::string> version() {
  Kind<std::string> kind = text(kVersionBytesMax);
  kind.shape.type = "text or number";
  auto read = [as_text = std::move(kind.read)](const Value& value, const Reading& reading) {
    if (const auto* whole = value.as<std::int64_t>()) return std::optional(fmt::format("{}", *whole));
    if (const auto* real = value.as<double>()) return std::optional(fmt::format("{}", *real));
    return as_text(value, reading);
  };
  return {std::move(kind.shape), std::move(read), std::move(kind.write)};
}

// Never destroyed: a thread that was left behind on a file system that hangs may still read it while the process ends.
const Kind<ServerList>& server_list() {
  static const auto* const kind = new Kind<ServerList>(table(Table<ServerList>{{
      {"version", version(), &ServerList::version, Default::derived("its content"), Applies::live,
       "What the list is called."},
      {"servers", tables(server_section(), {0, 65'535}, &Server::name), &ServerList::servers, kEmptyList, Applies::live,
       "One server."},
  }}));
  return *kind;
}

}  // namespace

std::optional<ServerList> read_servers(const Value& root, Faults& faults) {
  if (root.as<Members>() == nullptr) {
    const std::string found = describe(root);
    faults.add(root.position, fmt::format("a list of servers must be a table with the key `servers`; found {}", found));
    return std::nullopt;
  }
  Faults found;
  auto list = server_list().read(root, Reading(found));
  if (found.empty()) return list;
  for (Fault& fault : found.in_file_order("")) faults.add({fault.line, fault.column}, std::move(fault.text));
  return std::nullopt;
}

}  // namespace holdfast::config
