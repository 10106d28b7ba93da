#include "wire/proxy.h"

#include <algorithm>

#include "wire/proxy_parts.h"

namespace holdfast::wire {
namespace {

using Family = base::PeerAddress::Family;

// How much of the signature stands in front of the input.
std::size_t matching_bytes(std::span<const std::byte> input, std::string_view signature) {
  const auto same = [](std::byte a, char b) { return a == static_cast<std::byte>(b); };
  return static_cast<std::size_t>(std::ranges::mismatch(input, signature, same).in1 - input.begin());
}

bool is_ip(const base::PeerAddress& address) {
  return address.family == Family::ipv4 || address.family == Family::ipv6;
}

//= RFC4291 2.5.5.2
base::PeerAddress mapped(const base::PeerAddress& address) {
  if (address.family != Family::ipv4) return address;
  base::PeerAddress result{{}, address.port, Family::ipv6};
  result.bytes[10] = result.bytes[11] = 0xff;
  std::copy_n(address.bytes.begin(), 4, result.bytes.begin() + 12);
  return result;
}

}  // namespace

namespace proxy {

Pair of_one_family(const base::PeerAddress& source, const base::PeerAddress& destination) noexcept {
  if (source.family == destination.family) return {source, destination};
  if (is_ip(source) && is_ip(destination)) return {mapped(source), mapped(destination)};
  return {};
}

}  // namespace proxy

//= PROXY 2.2
ProxyRead read_proxy_header(std::span<const std::byte> input) noexcept {
  const std::size_t v1 = matching_bytes(input, proxy::kV1Signature);
  const std::size_t v2 = matching_bytes(input, proxy::kV2Signature);
  if (v1 == proxy::kV1Signature.size()) return proxy::read_v1(input);
  if (v2 == proxy::kV2Signature.size()) return proxy::read_v2(input);
  return std::max(v1, v2) == input.size() ? proxy::more() : ProxyRead{};
}

bool has_proxy_signature(std::span<const std::byte> input) noexcept {
  return matching_bytes(input, proxy::kV1Signature) == proxy::kV1Signature.size() ||
         matching_bytes(input, proxy::kV2Signature) == proxy::kV2Signature.size();
}

}  // namespace holdfast::wire
