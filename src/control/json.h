// control/json.h: JSON in and out of the HTTP APIs, by Boost.JSON.
//
// Thread: pure functions. Limits: objects and arrays nest 32 deep; the size is the caller's to bound.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"
#include "control/http_message.h"

namespace holdfast::control {

// Errors: malformed, the client's fault; also for text that is not UTF-8 and for anything after the value.
[[nodiscard]] base::Result<boost::json::value> parse_json(std::string_view text);
// The answer that carries `value`. Every string in it must be UTF-8.
[[nodiscard]] Response json_response(const boost::json::value& value, unsigned status = 200);

}  // namespace holdfast::control
