// config/process_references.h: what the keys of [node] and [admin] say about each other.
//
// Thread: pure.
#pragma once

#include <optional>

#include "config/document.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

// Adds a fault for an API that others reach without a token, and for a wait that is longer than the stop it is part
// of. Keys beside one that is switched off, such as `listen = ""`, wait to be switched on. `root` is the file that
// `settings` come from.
void check_process(const Settings& settings, const Value& root, Faults& faults);

// Where commands ask; none without a run_dir.
[[nodiscard]] std::optional<base::Endpoint> admin_socket(const Node& node);

}  // namespace holdfast::config
