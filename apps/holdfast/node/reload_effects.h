// apps/holdfast/node/reload_effects.h: what a change of the configuration does to the connections that are there, in
// words.
//
// Thread: pure. Cost: a walk over the status for each change.
#pragma once

#include <vector>

#include "admin/faces.h"
#include "config/difference.h"
#include "gateway/status.h"

namespace holdfast::app {

// `running` are the settings that the changes begin from, `status` is of the process as it is now.
[[nodiscard]] std::vector<admin::ReloadChange> effects(const std::vector<config::Change>& changes,
                                                       const config::Settings& running, const gateway::Status& status);

}  // namespace holdfast::app
