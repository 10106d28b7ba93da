// base/ip_text.h: IP addresses as text, read strictly.
//
// Thread: pure functions. Cost: no allocation; may run on the data path.
#pragma once

#include <optional>
#include <string_view>

#include "base/peer_address.h"

namespace holdfast::base {

// The address, with port 0, that `text` is as a whole in `family` (ipv4 or ipv6; there is no text of another).
// IPv4 is four decimal numbers without leading zeros. IPv6 is RFC 4291 2.2 without a zone; it may end like IPv4.
[[nodiscard]] std::optional<PeerAddress> parse_ip(PeerAddress::Family family, std::string_view text) noexcept;

}  // namespace holdfast::base
