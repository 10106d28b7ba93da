// wire/proxy_parts.h: what the two versions of the PROXY protocol share. Only for the files proxy*.cc.
#pragma once

#include <string_view>

#include "wire/proxy.h"

namespace holdfast::wire::proxy {

inline constexpr std::string_view kV1Signature = "PROXY";
inline constexpr std::string_view kV2Signature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Input that begins with the whole signature of the version.
[[nodiscard]] ProxyRead read_v1(std::span<const std::byte> input) noexcept;
[[nodiscard]] ProxyRead read_v2(std::span<const std::byte> input) noexcept;

[[nodiscard]] inline ProxyRead more() noexcept { return {ProxyStatus::more, 0, {}, ""}; }
[[nodiscard]] inline ProxyRead malformed(const char* fault) noexcept { return {ProxyStatus::malformed, 0, {}, fault}; }

// The addresses as they can be sent: both of one family, or both unknown.
struct Pair {
  base::PeerAddress source;
  base::PeerAddress destination;
};
[[nodiscard]] Pair of_one_family(const base::PeerAddress& source, const base::PeerAddress& destination) noexcept;

}  // namespace holdfast::wire::proxy
