#include "control/json.h"

#include <boost/json.hpp>

namespace holdfast::control {

base::Result<boost::json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  if (error) return base::Error{base::Errc::malformed, base::Side::client, 0, "JSON"};
  return value;
}

Response json_response(const boost::json::value& value, unsigned status) {
  return {.status = status, .content_type = "application/json", .body = boost::json::serialize(value) + "\n"};
}

}  // namespace holdfast::control
