// apps/holdfast/pool_json.h: pools and their servers as the API shows them.
//
// Thread: pure.
#pragma once

#include <boost/json/value.hpp>

#include "gateway/status.h"

namespace holdfast::app {

// Without its servers.
[[nodiscard]] boost::json::value to_json(const gateway::PoolStatus& pool);
[[nodiscard]] boost::json::value to_json(const gateway::ServerStatus& server);

}  // namespace holdfast::app
