// config/servers.h: a list of servers that stands outside the configuration, such as in a file that is watched.
//
// The keys of each, with their defaults, ranges and faults, are those of [[pool.server]].
//
// Thread: pure. Limits: 65,535 servers; 1,000 faults.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

struct ServerList {
  std::string version;          // the key `version`, a text or a number, as text; empty when there is none
  std::vector<Server> servers;  // the tables [[servers]]; none when there are none
};

// What `root`, a whole file, says; or nothing and faults. Two servers of one name are a fault.
[[nodiscard]] std::optional<ServerList> read_servers(const Value& root, Faults& faults);

}  // namespace holdfast::config
