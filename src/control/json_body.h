// control/json_body.h: what a request asks for, read strictly: whatever is not known is refused, naming what is.
//
// Thread: pure functions. Limits: those of HttpServer and json.h; what is quoted from a client is cut to 200 bytes.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "control/http_message.h"
#include "control/or_problem.h"

namespace holdfast::control {

// The body as an object with none but the `known` keys. A request without a body is an empty object. Problems: 415
// when the Content-Type is not application/json; 400 when it is not JSON (saying where), no object, or has another key.
[[nodiscard]] OrProblem<boost::json::object> read_json_body(const Request& request,
                                                            const std::vector<std::string_view>& known);

// 400 when the query has a parameter that is not `known`, or one twice.
[[nodiscard]] std::optional<Response> check_query(const Request& request, const std::vector<std::string_view>& known);

}  // namespace holdfast::control
