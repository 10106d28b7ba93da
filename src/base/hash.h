// base/hash.h: hashes that stay the same on every machine and in every version: keys and names may be stored by them.
//
// Not for secrets and not against an attacker who chooses what is hashed. Cost: some nanoseconds for 32 bytes.
// Source: XXH64 as in the specification of xxHash (Collet, doc/xxhash_spec.md, 0.2.0); mix() is the finaliser of
//         splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace holdfast::base {

[[nodiscard]] std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;

[[nodiscard]] inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0) noexcept {
  return hash_bytes(std::as_bytes(std::span(text)), seed);
}

// Spreads what is in a few bits over all of them. No two numbers give the same.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace holdfast::base
