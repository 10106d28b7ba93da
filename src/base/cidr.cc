#include "base/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

namespace holdfast::base {
namespace {

constexpr Error kMalformed{Errc::malformed, Side::internal, 0, "cidr"};
constexpr std::uint8_t kMappedBits = 96;  // of ::ffff:0:0/96

constexpr std::uint8_t bits_of(Cidr::Family family) { return family == Cidr::Family::ipv4 ? 32 : 128; }

std::optional<PeerAddress> parse_address(std::string_view text) {
  // inet_pton() wants an end mark, and would not see what follows one inside.
  char buffer[INET6_ADDRSTRLEN] = "";
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, buffer);
  PeerAddress address;
  if (::inet_pton(AF_INET, buffer, address.bytes.data()) == 1) {
    address.family = PeerAddress::Family::ipv4;
  } else if (::inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) {
    address.family = PeerAddress::Family::ipv6;
  } else {
    return std::nullopt;
  }
  return address;
}

std::optional<std::uint8_t> parse_prefix(std::string_view text, std::uint8_t max) {
  std::uint8_t prefix = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  const bool has_needless_zero = text.size() > 1 && text.front() == '0';
  return is_number && !has_needless_zero && prefix <= max ? std::optional(prefix) : std::nullopt;
}

// The bits of byte `index` that the first `prefix` bits of an address cover.
std::uint8_t mask_of(std::size_t index, std::uint8_t prefix) {
  const auto bits = std::clamp(static_cast<int>(prefix) - static_cast<int>(8 * index), 0, 8);
  return static_cast<std::uint8_t>(0xFF00 >> bits);
}

}  // namespace

Cidr Cidr::canonical() const noexcept {
  Cidr network = *this;
  for (std::size_t i = 0; i < bytes.size(); ++i) network.bytes[i] &= mask_of(i, prefix);
  return network;
}

bool Cidr::contains(const PeerAddress& peer) const noexcept {
  const PeerAddress address = peer.unmapped();
  const auto wanted = family == Family::ipv4 ? PeerAddress::Family::ipv4 : PeerAddress::Family::ipv6;
  if (address.family != wanted) return false;
  for (std::size_t i = 0; i * 8 < prefix; ++i) {
    if (((address.bytes[i] ^ bytes[i]) & mask_of(i, prefix)) != 0) return false;
  }
  return true;
}

std::string Cidr::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer + ("/" + std::to_string(prefix));
}

Result<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return kMalformed;
  Cidr cidr;
  cidr.family = address->family == PeerAddress::Family::ipv4 ? Cidr::Family::ipv4 : Cidr::Family::ipv6;
  cidr.prefix = bits_of(cidr.family);
  if (slash != std::string_view::npos) {
    const auto prefix = parse_prefix(text.substr(slash + 1), cidr.prefix);
    if (!prefix) return kMalformed;
    cidr.prefix = *prefix;
  }
  cidr.bytes = address->bytes;
  const PeerAddress unmapped = address->unmapped();
  if (unmapped.family != address->family && cidr.prefix >= kMappedBits) {
    cidr.bytes = unmapped.bytes;
    cidr.prefix = static_cast<std::uint8_t>(cidr.prefix - kMappedBits);
    cidr.family = Cidr::Family::ipv4;
  }
  return cidr;
}

}  // namespace holdfast::base
