// broker/core/keyed_hash.h: a hash whose collisions nobody outside can craft: names come from clients.
//
// Cost: about 8 ns for a level of a topic. The key is drawn when the process starts and told to nobody.
// Source: SipHash-1-3 (Aumasson, Bernstein, SipHash: a fast short-input PRF, INDOCRYPT 2012), 64 bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast::broker {

struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::string_view text) noexcept;

}  // namespace holdfast::broker
