// admin/connection_json.h: connections as the API shows them.
//
// Thread: pure.
#pragma once

#include <boost/json/value.hpp>

#include "admin/faces.h"

namespace holdfast::admin {

[[nodiscard]] boost::json::value to_json(const entry::ConnectionPage& page);

}  // namespace holdfast::admin
