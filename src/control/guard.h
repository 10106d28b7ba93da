// control/guard.h: who may ask an HttpServer for something: whoever has the bearer token.
//
// Thread: a value, then only read. Cost: one pass over what the client sent.
// The comparison takes as long as what the client sent is long, whatever the token is. Nothing of the token is ever
// logged or answered. Source: RFC 6750 section 2.1, 3; RFC 9110 section 11.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/http_message.h"

namespace holdfast::control {

class Guard {
 public:
  Guard() = default;  // lets everybody in
  // `token` is not empty. `open_paths` are for everybody: what balancers ask, who have no token.
  explicit Guard(std::string token, std::vector<std::string> open_paths = {"/healthz", "/readyz"});

  // The 401 for a request that may not pass.
  [[nodiscard]] std::optional<Response> refuse(const Request& request) const;

 private:
  [[nodiscard]] bool is_token(std::string_view sent) const noexcept;

  std::string token_;  // empty: open
  std::vector<std::string> open_paths_;
};

// What follows "Bearer " (in any case); none when the header has another scheme or is not of that form.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept;
// What a token may consist of: letters, digits and -._~+/ with = at the end (RFC 6750 b64token); not empty.
[[nodiscard]] bool is_bearer_token(std::string_view text) noexcept;

}  // namespace holdfast::control
