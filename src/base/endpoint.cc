#include "base/endpoint.h"

#include <algorithm>
#include <charconv>

#include "base/ip_text.h"

namespace holdfast::base {
namespace {

constexpr Error kMalformed{Errc::malformed, Side::internal, 0, "endpoint"};
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kUnixPathBytesMax = 107;
constexpr std::size_t kHostNameBytesMax = 253;

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kHostNameBytesMax || text.front() == '-' || text.front() == '.') return false;
  const bool only_digits_and_dots = text.find_first_not_of("0123456789.") == std::string_view::npos;
  return !only_digits_and_dots && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string Endpoint::text() const {
  switch (kind) {
    case Kind::unix_path: return std::string(kUnixPrefix) + host;
    case Kind::ipv6: return "[" + host + "]:" + std::to_string(port);
    case Kind::ipv4:
    case Kind::host_name: break;
  }
  return host + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with(kUnixPrefix)) {
    endpoint.kind = Endpoint::Kind::unix_path;
    endpoint.host = text.substr(kUnixPrefix.size());
    const bool fits = !endpoint.host.empty() && endpoint.host.size() <= kUnixPathBytesMax;
    return fits ? Result<Endpoint>(std::move(endpoint)) : kMalformed;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !parse_port(text.substr(colon + 1), endpoint.port)) return kMalformed;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    endpoint.kind = Endpoint::Kind::ipv6;
    endpoint.host = host.substr(1, host.size() - 2);
    return parse_ip(PeerAddress::Family::ipv6, endpoint.host) ? Result<Endpoint>(std::move(endpoint)) : kMalformed;
  }
  endpoint.host = host;
  if (parse_ip(PeerAddress::Family::ipv4, endpoint.host)) return endpoint;
  endpoint.kind = Endpoint::Kind::host_name;
  return is_host_name(host) ? Result<Endpoint>(std::move(endpoint)) : kMalformed;
}

}  // namespace holdfast::base
