// load/discard.h: reading what nobody wants to see.
#pragma once

#include <cstddef>
#include <span>

#include "net/transport.h"

namespace holdfast::load {

// As Transport::read(), but the kernel throws the bytes away instead of copying them (tcp(7), MSG_TRUNC): at most as
// many as `room` has. A unix socket has no such way, and copies them there.
[[nodiscard]] net::IoResult discard(const net::Transport& from, std::span<std::byte> room) noexcept;

}  // namespace holdfast::load
