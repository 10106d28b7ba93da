// base/siphash.h: hashes that nobody can foretell who does not know the key: for tables whose keys come from peers, and
// names for secrets that must not be kept themselves.
//
// Thread: pure; random_sip_key() from any thread.
// Cost:   SipHash13::of 4 to 10 ns for up to 40 bytes, then 0.15 ns a byte; SipHash24::wide 6 to 16 ns, then 0.3 ns.
// Source: SipHash-c-d (Aumasson, Bernstein, SipHash: a fast short-input PRF, INDOCRYPT 2012) with 64 bits, and with 128
//         as in the authors' reference code. 1-3 is what hash tables of Rust, Ruby and Python use; 2-4 is for secrets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace holdfast::base {

// The 16 bytes of a key, as two little-endian numbers.
struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// From the operating system. Ends the process when that has none to give.
[[nodiscard]] SipKey random_sip_key();

struct SipHash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const SipHash128&, const SipHash128&) = default;
};

// c rounds for each 8 bytes, d rounds at the end.
template <unsigned c, unsigned d>
class SipHash {
 public:
  [[nodiscard]] static std::uint64_t of(const SipKey& key, std::span<const std::byte> bytes) noexcept {
    SipHash state(key);
    state.take(bytes);
    state.v2_ ^= 0xff;
    return state.finish();
  }

  [[nodiscard]] static SipHash128 wide(const SipKey& key, std::span<const std::byte> bytes) noexcept {
    SipHash state(key);
    state.v1_ ^= 0xee;
    state.take(bytes);
    state.v2_ ^= 0xee;
    const std::uint64_t low = state.finish();
    state.v1_ ^= 0xdd;
    return {low, state.finish()};
  }

 private:
  explicit SipHash(const SipKey& key) noexcept
      : v0_(key.low ^ 0x736f6d6570736575),
        v1_(key.high ^ 0x646f72616e646f6d),
        v2_(key.low ^ 0x6c7967656e657261),
        v3_(key.high ^ 0x7465646279746573) {}

  void take(std::span<const std::byte> bytes) noexcept {
    const std::uint64_t size = bytes.size();
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) take(load(bytes.data()));
    std::uint64_t last = size << 56;
    for (std::size_t i = 0; i < bytes.size(); ++i) last |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    take(last);
  }

  void take(std::uint64_t word) noexcept {
    v3_ ^= word;
    for (unsigned i = 0; i < c; ++i) round();
    v0_ ^= word;
  }

  [[nodiscard]] std::uint64_t finish() noexcept {
    for (unsigned i = 0; i < d; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  // Little endian whatever the machine is.
  [[nodiscard]] static std::uint64_t load(const std::byte* bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

using SipHash13 = SipHash<1, 3>;
using SipHash24 = SipHash<2, 4>;

}  // namespace holdfast::base
