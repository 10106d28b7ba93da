// admin/listener_json.h: listeners as the API shows them.
//
// Thread: pure.
#pragma once

#include <boost/json/value.hpp>

#include "gateway/status.h"

namespace holdfast::admin {

[[nodiscard]] boost::json::value to_json(const gateway::ListenerStatus& listener);

}  // namespace holdfast::admin
