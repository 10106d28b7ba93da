// load/dial_from.h: connections from chosen local addresses, so that one target can be given more than 28,000 of them.
//
// Thread: any; plain system calls.
#pragma once

#include <chrono>

#include "base/result.h"
#include "net/address.h"

namespace holdfast::load {

// As net::dial, but from the address of `source`, whose port is 0: the kernel picks one that is free for this target
// (IP_BIND_ADDRESS_NO_PORT), not one that is free for all. Errors: as net::dial, and those of bind.
[[nodiscard]] base::Result<int> dial_from(const net::SocketAddress& source, const net::SocketAddress& target) noexcept;

// Waits until a connection to `target` stands, then closes it: whether a run makes sense at all.
[[nodiscard]] base::Result<void> probe(const net::SocketAddress& target, std::chrono::milliseconds patience) noexcept;

}  // namespace holdfast::load
