#include "config/endpoint_kinds.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace holdfast::config {
namespace {

using base::Endpoint;

constexpr std::string_view kBindWanted = R"(an IP address with a port, such as "0.0.0.0:1883", or "unix:/path")";
constexpr std::string_view kServerWanted =
    R"(an address with a port, such as "10.0.0.11:1883" or "b1.local:1883", or "unix:/path")";

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::optional<Endpoint> read_endpoint(const Value& value, const Reading& reading, std::string_view wanted) {
  const auto* written = value.as<std::string>();
  if (written == nullptr || has_control_character(*written)) return reading.refuse(value, wanted);
  const auto endpoint = base::parse_endpoint(*written);
  return endpoint ? std::optional(*endpoint) : reading.refuse(value, wanted);
}

std::optional<Value> write_endpoint(const Endpoint& endpoint) { return value_of(endpoint.text()); }

std::optional<Endpoint> read_bind(const Value& value, const Reading& reading) {
  auto endpoint = read_endpoint(value, reading, kBindWanted);
  if (!endpoint || endpoint->kind != Endpoint::Kind::host_name) return endpoint;
  reading.fault(value.position, fmt::format("{} must be {}; {} is a host name", reading.subject(), kBindWanted,
                                            quoted(endpoint->text())));
  return std::nullopt;
}

// The bytes of the address, in network order.
std::string address_bytes(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.kind == Endpoint::Kind::ipv6;
  std::string bytes(is_ipv6 ? sizeof(in6_addr) : sizeof(in_addr), '\0');
  (void)::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, endpoint.host.c_str(), bytes.data());
  return bytes;
}

std::optional<Endpoint> read_server(const Value& value, const Reading& reading) {
  auto endpoint = read_endpoint(value, reading, kServerWanted);
  if (!endpoint || endpoint->kind == Endpoint::Kind::unix_path || endpoint->port != 0) return endpoint;
  return reading.refuse(value, "an address with a port from 1 to 65535");
}

std::optional<Endpoint> parse_ip_address(const std::string& text) {
  const auto v4 = base::parse_endpoint(text + ":0");
  if (v4 && v4->kind == Endpoint::Kind::ipv4) return *v4;
  const auto v6 = base::parse_endpoint("[" + text + "]:0");
  return v6 && v6->kind == Endpoint::Kind::ipv6 ? std::optional(*v6) : std::nullopt;
}

constexpr std::string_view kCidrWanted = R"(a network such as "10.0.0.0/8" or "fd00::/8", or one address)";

std::optional<base::Cidr> read_cidr(const Value& value, const Reading& reading) {
  const auto* written = value.as<std::string>();
  const auto cidr = written != nullptr ? base::parse_cidr(*written) : base::Error{};
  if (!cidr) return reading.refuse(value, kCidrWanted);
  if (!cidr->has_host_bits()) return *cidr;
  reading.fault(value.position, fmt::format("{} has {}, which is an address inside a network; write {}",
                                            reading.subject(), quoted(*written), quoted(cidr->canonical().text())));
  return std::nullopt;
}

}  // namespace

Kind<Endpoint> bind_address() {
  return {{"address", std::string(kBindWanted), "an IP address and port, or `unix:` and a path"},
          read_bind,
          write_endpoint};
}

Kind<Endpoint> server_address() {
  return {
      {"address", std::string(kServerWanted), "a host name or IP address with a port from 1, or `unix:` and a path"},
      read_server,
      write_endpoint};
}

Kind<Endpoint> ip_address() {
  const Shape shape{"IP address", R"(an IP address without a port, such as "10.0.0.5")", "an IP address"};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<Endpoint> {
            const auto* written = value.as<std::string>();
            auto address = written != nullptr ? parse_ip_address(*written) : std::nullopt;
            return address ? std::move(address) : reading.refuse(value, shape.wanted);
          },
          [](const Endpoint& address) -> std::optional<Value> { return value_of(address.host); }};
}

Kind<base::Cidr> cidr() {
  return {{"network", std::string(kCidrWanted), "a network or an address"},
          read_cidr,
          [](const base::Cidr& network) -> std::optional<Value> { return value_of(network.text()); }};
}

Kind<std::vector<base::Cidr>> cidrs() { return list_of(cidr(), {0, 1'000'000}); }

bool is_loopback(const Endpoint& endpoint) {
  switch (endpoint.kind) {
    case Endpoint::Kind::unix_path: return true;
    case Endpoint::Kind::ipv4: return address_bytes(endpoint).front() == 127;  // RFC1122 3.2.1.3
    case Endpoint::Kind::ipv6: return std::memcmp(address_bytes(endpoint).data(), &in6addr_loopback, 16) == 0;
    case Endpoint::Kind::host_name: break;
  }
  return false;
}

std::string same_place(const Endpoint& endpoint) {
  switch (endpoint.kind) {
    case Endpoint::Kind::ipv4: return fmt::format("4{}:{}", address_bytes(endpoint), endpoint.port);
    case Endpoint::Kind::ipv6: return fmt::format("6{}:{}", address_bytes(endpoint), endpoint.port);
    case Endpoint::Kind::host_name:
    case Endpoint::Kind::unix_path: break;
  }
  return endpoint.text();
}

}  // namespace holdfast::config
