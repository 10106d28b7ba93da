#include "base/hash.h"

#include <array>
#include <bit>

namespace holdfast::base {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;
constexpr std::size_t kStripe = 32;

// Little endian whatever the machine is; compilers make one load of it.
template <std::size_t kBytes>
std::uint64_t take(std::span<const std::byte>& bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kBytes; ++i) value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  bytes = bytes.subspan(kBytes);
  return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) noexcept {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

// Steps 1 to 3 of the specification: four lanes over whole stripes of 32 bytes.
std::uint64_t eat_stripes(std::span<const std::byte>& bytes, std::uint64_t seed) noexcept {
  std::array<std::uint64_t, 4> lanes{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1};
  while (bytes.size() >= kStripe) {
    for (std::uint64_t& lane : lanes) lane = round(lane, take<8>(bytes));
  }
  std::uint64_t hash =
      std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  for (const std::uint64_t lane : lanes) hash = (hash ^ round(0, lane)) * kPrime1 + kPrime4;
  return hash;
}

}  // namespace

std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  const std::uint64_t length = bytes.size();
  std::uint64_t hash = bytes.size() >= kStripe ? eat_stripes(bytes, seed) : seed + kPrime5;
  hash += length;
  while (bytes.size() >= 8) hash = std::rotl(hash ^ round(0, take<8>(bytes)), 27) * kPrime1 + kPrime4;
  if (bytes.size() >= 4) hash = std::rotl(hash ^ (take<4>(bytes) * kPrime1), 23) * kPrime2 + kPrime3;
  while (!bytes.empty()) hash = std::rotl(hash ^ (take<1>(bytes) * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace holdfast::base
