// admin/reload_json.h: what a reload does, or would do, and what commands have changed, as the API shows it.
//
// Thread: pure.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "admin/faces.h"

namespace holdfast::admin {

[[nodiscard]] boost::json::object to_json(const ReloadReport& report, ReloadOrder::Run run);
// The answer to GET /v1/config.
[[nodiscard]] boost::json::object config_json(const std::string& file,
                                              const std::vector<RuntimeDifference>& differences);

}  // namespace holdfast::admin
