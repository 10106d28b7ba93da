#include "wire/proxy_tlv.h"

#include <algorithm>
#include <limits>

#include "wire/big_endian.h"

namespace holdfast::wire {
namespace {

constexpr std::size_t kSslHeadBytes = 5;  // client and verify

std::size_t value_bytes(std::span<const std::byte> tlv) { return read_u16(tlv.subspan<1, 2>()); }

}  // namespace

//= PROXY 2.2
ProxyTlv ProxyTlvs::Iterator::operator*() const noexcept {
  return {static_cast<ProxyTlvType>(rest_.front()), rest_.subspan(kProxyTlvHeadBytes, value_bytes(rest_))};
}

ProxyTlvs::Iterator& ProxyTlvs::Iterator::operator++() noexcept {
  rest_ = rest_.subspan(kProxyTlvHeadBytes + value_bytes(rest_));
  return *this;
}

ProxyTlvs::Iterator ProxyTlvs::Iterator::operator++(int) noexcept {
  const Iterator before = *this;
  ++*this;
  return before;
}

bool ProxyTlvs::Iterator::operator==(std::default_sentinel_t) const noexcept {
  return rest_.size() < kProxyTlvHeadBytes || rest_.size() - kProxyTlvHeadBytes < value_bytes(rest_);
}

bool ProxyTlvs::is_well_formed() const noexcept {
  Iterator each = begin();
  while (each != end()) ++each;
  return each.rest().empty();
}

std::optional<std::span<const std::byte>> ProxyTlvs::find(ProxyTlvType type) const noexcept {
  for (const ProxyTlv& tlv : *this) {
    if (tlv.type == type) return tlv.value;
  }
  return std::nullopt;
}

//= PROXY 2.2.6
std::optional<ProxySsl> read_proxy_ssl(std::span<const std::byte> value) noexcept {
  if (value.size() < kSslHeadBytes) return std::nullopt;
  const ProxySsl ssl{std::to_integer<std::uint8_t>(value.front()), read_u32(value.subspan<1, 4>()),
                     ProxyTlvs(value.subspan(kSslHeadBytes))};
  return ssl.tlvs.is_well_formed() ? std::optional(ssl) : std::nullopt;
}

std::size_t write_proxy_tlv(const ProxyTlv& tlv, std::span<std::byte> out) noexcept {
  if (tlv.value.size() > std::numeric_limits<std::uint16_t>::max()) return 0;
  if (out.size() < kProxyTlvHeadBytes + tlv.value.size()) return 0;
  out[0] = static_cast<std::byte>(tlv.type);
  write_u16(out.subspan<1, 2>(), static_cast<std::uint16_t>(tlv.value.size()));
  std::ranges::copy(tlv.value, out.begin() + kProxyTlvHeadBytes);
  return kProxyTlvHeadBytes + tlv.value.size();
}

}  // namespace holdfast::wire
