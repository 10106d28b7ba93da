#include "wire/websocket/sha1.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "wire/big_endian.h"

namespace holdfast::wire::websocket {
namespace {

constexpr std::size_t kBlockBytes = 64;
using State = std::array<std::uint32_t, 5>;

// FIPS 180-4, 4.1.1 and 4.2.1.
std::uint32_t mixed(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

// FIPS 180-4, 6.1.2.
void take_block(State& state, std::span<const std::byte, kBlockBytes> block) {
  std::array<std::uint32_t, 80> words;
  for (std::size_t i = 0; i < 16; ++i) words[i] = read_u32(block.subspan(4 * i).first<4>());
  for (std::size_t i = 16; i < 80; ++i) {
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    const std::uint32_t next = std::rotl(a, 5) + mixed(i, b, c, d) + e + words[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const State added{a, b, c, d, e};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
}

}  // namespace

std::array<std::byte, kSha1Bytes> sha1(std::span<const std::byte> input) noexcept {
  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::uint64_t bits = std::uint64_t{input.size()} * 8;
  for (; input.size() >= kBlockBytes; input = input.subspan(kBlockBytes)) take_block(state, input.first<kBlockBytes>());

  // What is left, a bit of 1, and the length at the end of a block.
  std::array<std::byte, 2 * kBlockBytes> tail{};
  std::ranges::copy(input, tail.begin());
  tail[input.size()] = std::byte{0x80};
  const std::size_t bytes = input.size() + 9 <= kBlockBytes ? kBlockBytes : 2 * kBlockBytes;
  write_u32(std::span(tail).subspan(bytes - 8).first<4>(), static_cast<std::uint32_t>(bits >> 32));
  write_u32(std::span(tail).subspan(bytes - 4).first<4>(), static_cast<std::uint32_t>(bits & 0xffff'ffff));
  for (std::size_t at = 0; at < bytes; at += kBlockBytes) {
    take_block(state, std::span(tail).subspan(at).first<kBlockBytes>());
  }

  std::array<std::byte, kSha1Bytes> digest;
  for (std::size_t i = 0; i < state.size(); ++i) write_u32(std::span(digest).subspan(4 * i).first<4>(), state[i]);
  return digest;
}

}  // namespace holdfast::wire::websocket
