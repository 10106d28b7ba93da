// admin/listener_json.h: listeners as the API shows them, of all roles.
//
// Thread: pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/faces.h"

namespace holdfast::admin {

// The gateway's, then the broker's.
[[nodiscard]] boost::json::array listeners_json(const Faces& faces);
// None: nobody is called like that.
[[nodiscard]] std::optional<boost::json::value> listener_json(const Faces& faces, const std::string& name);
[[nodiscard]] std::vector<std::string> listener_names(const Faces& faces);

}  // namespace holdfast::admin
