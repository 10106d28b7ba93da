// admin/node_json.h: the process as the API shows it.
//
// Thread: pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "admin/faces.h"

namespace holdfast::admin {

// The answer to GET /v1/status. `differences`: how many commands have made; `alarms`: those that are active.
[[nodiscard]] boost::json::object status_json(const NodeInfo& node, const gateway::Status& status,
                                              const std::optional<broker::Status>& broker, std::size_t differences,
                                              boost::json::value alarms);
// {"phase":...,"drain":...}: the answer to a drain of the node.
[[nodiscard]] boost::json::object phase_json(const NodeInfo& node);
// Null when there is none.
[[nodiscard]] boost::json::value drain_json(const std::optional<gateway::DrainStatus>& drain);
[[nodiscard]] std::string rfc3339(WallTime time);  // "2026-11-20T10:23:17Z"

}  // namespace holdfast::admin
