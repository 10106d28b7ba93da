#include "control/guard.h"

#include <strings.h>

#include <algorithm>
#include <cstdlib>

namespace holdfast::control {
namespace {

constexpr std::string_view kScheme = "Bearer";

bool is_token_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/").find(c) != std::string_view::npos;
}

//= RFC6750 3
Response unauthorized(std::string detail, const char* challenge) {
  Response response = problem(401, std::move(detail));
  response.headers.push_back({"WWW-Authenticate", challenge});
  return response;
}

}  // namespace

Guard::Guard(std::string token, std::vector<std::string> open_paths)
    : token_(std::move(token)), open_paths_(std::move(open_paths)) {
  if (token_.empty()) std::abort();
}

std::optional<Response> Guard::refuse(const Request& request) const {
  if (token_.empty() || std::ranges::find(open_paths_, request.path) != open_paths_.end()) return std::nullopt;
  const std::string* const header = request.find_header("Authorization");
  if (header == nullptr) {
    return unauthorized("this API asks for a bearer token: Authorization: Bearer TOKEN", "Bearer realm=\"holdfast\"");
  }
  const std::optional<std::string_view> sent = bearer_token(*header);
  if (sent && is_token(*sent)) return std::nullopt;
  return unauthorized(sent ? "the bearer token is not the right one" : "the Authorization header has no bearer token",
                      "Bearer realm=\"holdfast\", error=\"invalid_token\"");
}

// Without a branch or an end that depends on the token: its first wrong byte cannot be timed.
bool Guard::is_token(std::string_view sent) const noexcept {
  std::size_t different = sent.size() ^ token_.size();
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto mine = static_cast<unsigned char>(token_[i % token_.size()]);
    different |= static_cast<std::size_t>(mine ^ static_cast<unsigned char>(sent[i]));
  }
  return different == 0;
}

//= RFC6750 2.1
std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  if (authorization.size() <= kScheme.size() || authorization[kScheme.size()] != ' ' ||
      ::strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return std::nullopt;
  }
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' ', kScheme.size()), authorization.size()));
  return is_bearer_token(authorization) ? std::optional(authorization) : std::nullopt;
}

bool is_bearer_token(std::string_view text) noexcept {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

}  // namespace holdfast::control
