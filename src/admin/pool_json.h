// admin/pool_json.h: pools and their servers as the API shows them.
//
// Thread: pure.
#pragma once

#include <boost/json/value.hpp>

#include "gateway/status.h"

namespace holdfast::admin {

// Without its servers.
[[nodiscard]] boost::json::value to_json(const gateway::PoolStatus& pool);
[[nodiscard]] boost::json::value to_json(const gateway::ServerStatus& server);

}  // namespace holdfast::admin
