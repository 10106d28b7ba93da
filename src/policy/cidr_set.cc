#include "policy/cidr_set.h"

#include <algorithm>
#include <array>

namespace holdfast::policy {
namespace {

using base::Cidr;
using base::PeerAddress;

template <typename Address>
struct Range {
  Address first;
  Address last;
};

template <typename Unsigned>
Unsigned from_network_order(std::span<const std::uint8_t> bytes) {
  Unsigned value = 0;
  for (const std::uint8_t byte : bytes.first(sizeof(Unsigned))) value = static_cast<Unsigned>(value << 8 | byte);
  return value;
}

template <typename Address>
Address read(const std::array<std::uint8_t, 16>& bytes) {
  if constexpr (sizeof(Address) == sizeof(std::uint32_t)) {
    return from_network_order<std::uint32_t>(bytes);
  } else {
    const std::span all(bytes);
    return {from_network_order<std::uint64_t>(all), from_network_order<std::uint64_t>(all.subspan(8))};
  }
}

template <typename Address>
Range<Address> range_of(const Cidr& network) {
  const Cidr first = network.canonical();
  Cidr last = first;
  for (std::size_t bit = first.prefix; bit < 128; ++bit)
    last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80 >> bit % 8);
  return {read<Address>(first.bytes), read<Address>(last.bytes)};
}

// The address behind this one, or the very first behind the very last.
void advance(std::uint32_t& address) { ++address; }
void advance(auto& address) {
  if (++address.low == 0) ++address.high;
}

template <typename Address>
std::vector<Address> edges_of(std::vector<Range<Address>> ranges) {
  std::ranges::sort(ranges, {}, &Range<Address>::first);
  std::vector<Address> edges;
  for (auto [first, end] : ranges) {
    advance(end);
    const bool is_open = edges.size() % 2 != 0;  // what came before reaches to the very last address
    if (is_open) break;
    if (edges.empty() || first > edges.back()) {
      edges.push_back(first);
      edges.push_back(end);
    } else if (end > edges.back() || end == Address{}) {
      edges.back() = end;
    }
    if (end == Address{}) edges.pop_back();
  }
  edges.shrink_to_fit();
  return edges;
}

// One step for each bit of the size, and no branch that could be guessed wrong.
template <typename Address>
bool is_inside(const std::vector<Address>& edges, const Address& address) {
  std::size_t rest = edges.size();
  if (rest == 0) return false;
  const Address* at = edges.data();
  while (rest > 1) {
    const std::size_t half = rest / 2;
    at += at[half] <= address ? half : 0;
    rest -= half;
  }
  const auto at_or_below = static_cast<std::size_t>(at - edges.data()) + (*at <= address ? 1U : 0U);
  return at_or_below % 2 != 0;
}

}  // namespace

CidrSet::CidrSet(std::span<const Cidr> networks) {
  std::vector<Range<std::uint32_t>> ipv4;
  std::vector<Range<Ipv6>> ipv6;
  for (const Cidr& network : networks) {
    if (network.family == Cidr::Family::ipv4) {
      ipv4.push_back(range_of<std::uint32_t>(network));
    } else {
      ipv6.push_back(range_of<Ipv6>(network));
    }
  }
  ipv4_edges_ = edges_of(std::move(ipv4));
  ipv6_edges_ = edges_of(std::move(ipv6));
}

bool CidrSet::contains(const PeerAddress& peer) const noexcept {
  const PeerAddress address = peer.unmapped();
  switch (address.family) {
    case PeerAddress::Family::ipv4: return is_inside(ipv4_edges_, read<std::uint32_t>(address.bytes));
    case PeerAddress::Family::ipv6: return is_inside(ipv6_edges_, read<Ipv6>(address.bytes));
    case PeerAddress::Family::none:
    case PeerAddress::Family::unix_socket: break;
  }
  return false;
}

std::size_t CidrSet::memory_bytes() const noexcept {
  return ipv4_edges_.size() * sizeof(std::uint32_t) + ipv6_edges_.size() * sizeof(Ipv6);
}

}  // namespace holdfast::policy
