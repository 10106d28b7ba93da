// control/resolve.h: host names to addresses, by the system's resolver (hosts file, DNS).
//
// Thread: control; the blocking call runs on the pool, which a hung DNS can occupy but not hold up.
// Errors: not_found (there is no such name), unreachable (no server answered), timeout, exhausted (the pool is full).
#pragma once

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/thread_pool.h"

namespace holdfast::control {

using Addresses = std::vector<boost::asio::ip::address>;

// In the resolver's order of preference, each address once, at least one. A text that is an address
// already costs nothing and yields itself.
[[nodiscard]] Task<base::Result<Addresses>> resolve(ThreadPool& pool, std::string host,
                                                    std::chrono::milliseconds timeout);

}  // namespace holdfast::control
