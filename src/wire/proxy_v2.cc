#include <algorithm>
#include <array>

#include "wire/big_endian.h"
#include "wire/crc32c.h"
#include "wire/proxy_parts.h"

namespace holdfast::wire {
namespace {

using Family = base::PeerAddress::Family;
using Bytes = std::span<const std::byte>;

// Positions in the first 16 bytes.
constexpr std::size_t kCommandAt = 12;  // version and command
constexpr std::size_t kFamilyAt = 13;   // family and transport
constexpr std::size_t kLengthAt = 14;
constexpr std::size_t kHeadBytes = 16;

constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
constexpr std::size_t kCrcBytes = 4;

// What follows the first 16 bytes: two addresses, and two ports where there are any.
struct Block {
  Family family = Family::none;
  std::uint8_t code = 0x00;  // in the header, over a stream
  std::size_t address_bytes = 0;
  std::size_t port_bytes = 0;

  [[nodiscard]] constexpr std::size_t bytes() const { return 2 * (address_bytes + port_bytes); }
};

constexpr std::array<Block, 4> kBlocks{{
    {Family::none, 0x00, 0, 0},
    {Family::ipv4, 0x11, 4, 2},
    {Family::ipv6, 0x21, 16, 2},
    {Family::unix_socket, 0x31, 108, 0},
}};
static_assert(kHeadBytes + kBlocks.back().bytes() + kProxyTlvHeadBytes + kCrcBytes == kProxyV2BytesMax);

const Block& block_of(Family family) { return *std::ranges::find(kBlocks, family, &Block::family); }

// Of the 14th byte. Where either half is UNSPEC, nothing is known of what follows.
const Block& block_of_code(std::uint8_t code) {
  const bool is_unspecified = (code & 0xf0) == 0 || (code & 0x0f) == 0;
  return kBlocks[is_unspecified ? 0 : code >> 4];
}

bool is_defined(std::uint8_t code) { return code >> 4 < kBlocks.size() && (code & 0x0f) <= 2; }

std::uint8_t byte_at(Bytes bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

//= PROXY 2.2
// As far as the first 16 bytes are there: what is wrong with them, or null.
const char* fault_of_head(Bytes input) {
  if (input.size() <= kCommandAt) return nullptr;
  const std::uint8_t command = byte_at(input, kCommandAt);
  if (command != kLocal && command != kProxy) return "PROXY v2: unknown version or command";
  if (input.size() <= kFamilyAt) return nullptr;
  // The family of LOCAL is ignored, whatever it is: the receiver must accept such a connection.
  const std::uint8_t code = command == kLocal ? std::uint8_t{0} : byte_at(input, kFamilyAt);
  if (!is_defined(code)) return "PROXY v2: unknown family or transport";
  if (input.size() < kHeadBytes) return nullptr;
  const std::size_t length = read_u16(input.subspan<kLengthAt, 2>());
  if (length > kProxyBytesMax - kHeadBytes) return "PROXY v2: longer than 4096 bytes";
  if (length < block_of_code(code).bytes()) return "PROXY v2: too short for its addresses";
  return nullptr;
}

//= PROXY 2.2.3
bool is_crc_right(Bytes header, Bytes value) {
  const std::array<std::byte, kCrcBytes> zeros{};
  const auto at = static_cast<std::size_t>(value.data() - header.data());
  const std::uint32_t crc = crc32c(header.subspan(at + kCrcBytes), crc32c(zeros, crc32c(header.first(at))));
  return crc == read_u32(value.first<kCrcBytes>());
}

// What is wrong with the TLVs of a header, or null.
const char* fault_of_tlvs(Bytes header, const ProxyTlvs& tlvs) {
  if (!tlvs.is_well_formed()) return "PROXY v2: a TLV is longer than the header";
  std::size_t crcs = 0;
  for (const ProxyTlv& tlv : tlvs) {
    switch (tlv.type) {
      case ProxyTlvType::crc32c:
        if (tlv.value.size() != kCrcBytes || ++crcs > 1) return "PROXY v2: not one CRC32C of 4 bytes";
        if (!is_crc_right(header, tlv.value)) return "PROXY v2: the CRC32C is wrong";
        break;
      case ProxyTlvType::unique_id:
        if (tlv.value.size() > kProxyUniqueIdBytesMax) return "PROXY v2: the unique id is longer than 128 bytes";
        break;
      case ProxyTlvType::ssl:
        if (!read_proxy_ssl(tlv.value)) return "PROXY v2: a TLV within SSL does not fit";
        break;
      default: break;
    }
  }
  return nullptr;
}

enum class End : std::size_t { source = 0, destination = 1 };

base::PeerAddress read_address(const Block& block, Bytes addresses, End end) {
  base::PeerAddress address;
  address.family = block.family;
  if (block.port_bytes == 0) return address;  // unknown, or a path, which has no place in a PeerAddress
  const auto index = static_cast<std::size_t>(end);
  const Bytes bytes = addresses.subspan(index * block.address_bytes, block.address_bytes);
  std::ranges::transform(bytes, address.bytes.begin(), [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  address.port = read_u16(addresses.subspan(2 * block.address_bytes + 2 * index).first<2>());
  return address;
}

// `out` has block.bytes().
void write_addresses(const Block& block, const proxy::Pair& pair, std::span<std::byte> out) {
  std::ranges::fill(out, std::byte{0});
  if (block.port_bytes == 0) return;
  for (const auto& [address, index] : {std::pair(&pair.source, 0U), std::pair(&pair.destination, 1U)}) {
    const auto bytes = std::as_bytes(std::span(address->bytes)).first(block.address_bytes);
    std::ranges::copy(bytes, out.subspan(index * block.address_bytes).begin());
    write_u16(out.subspan(2 * block.address_bytes + 2 * index).first<2>(), address->port);
  }
}

void write_head(std::uint8_t command, std::uint8_t family, std::size_t length, std::span<std::byte> out) {
  std::ranges::copy(std::as_bytes(std::span(proxy::kV2Signature)), out.begin());
  out[kCommandAt] = std::byte{command};
  out[kFamilyAt] = std::byte{family};
  write_u16(out.subspan<kLengthAt, 2>(), static_cast<std::uint16_t>(length));
}

// Behind everything else of `header`; it needs room for one TLV more, which is counted in the length already.
void write_crc(std::span<std::byte> header) {
  const std::array<std::byte, kCrcBytes> zeros{};
  (void)write_proxy_tlv({ProxyTlvType::crc32c, zeros}, header.last(kProxyTlvHeadBytes + kCrcBytes));
  write_u32(header.last<kCrcBytes>(), crc32c(header));
}

std::size_t bytes_of(const ProxyExtras& extras) {
  std::size_t bytes = extras.crc == ProxyCrc::with ? kProxyTlvHeadBytes + kCrcBytes : 0;
  for (const ProxyTlv& tlv : extras.tlvs) {
    if (tlv.type != ProxyTlvType::crc32c) bytes += kProxyTlvHeadBytes + tlv.value.size();
  }
  return bytes;
}

}  // namespace

ProxyRead proxy::read_v2(std::span<const std::byte> input) noexcept {
  if (const char* fault = fault_of_head(input)) return malformed(fault);
  if (input.size() < kHeadBytes) return more();
  const std::size_t bytes = kHeadBytes + read_u16(input.subspan<kLengthAt, 2>());
  if (input.size() < bytes) return more();
  ProxyRead read{ProxyStatus::whole, bytes, {}, ""};
  read.header.version = ProxyVersion::v2;
  if (byte_at(input, kCommandAt) == kLocal) {
    read.header.command = ProxyCommand::local;
    return read;
  }
  const Block& block = block_of_code(byte_at(input, kFamilyAt));
  if (block.family == Family::none) return read;
  const Bytes rest = input.first(bytes).subspan(kHeadBytes);
  read.header.source = read_address(block, rest, End::source);
  read.header.destination = read_address(block, rest, End::destination);
  read.header.tlvs = ProxyTlvs(rest.subspan(block.bytes()));
  const char* fault = fault_of_tlvs(input.first(bytes), read.header.tlvs);
  return fault != nullptr ? malformed(fault) : read;
}

//= PROXY 2.2
std::size_t write_proxy_v2(const base::PeerAddress& source, const base::PeerAddress& destination,
                           const ProxyExtras& extras, std::span<std::byte> out) noexcept {
  const proxy::Pair pair = proxy::of_one_family(source, destination);
  const Block& block = block_of(pair.source.family);
  const std::size_t bytes = kHeadBytes + block.bytes() + bytes_of(extras);
  if (bytes > std::min(out.size(), kProxyBytesMax)) return 0;
  out = out.first(bytes);
  write_head(kProxy, block.code, bytes - kHeadBytes, out);
  write_addresses(block, pair, out.subspan(kHeadBytes, block.bytes()));
  std::span<std::byte> rest = out.subspan(kHeadBytes + block.bytes());
  for (const ProxyTlv& tlv : extras.tlvs) {
    if (tlv.type != ProxyTlvType::crc32c) rest = rest.subspan(write_proxy_tlv(tlv, rest));
  }
  if (extras.crc == ProxyCrc::with) write_crc(out);
  return bytes;
}

std::size_t write_proxy_local(ProxyVersion version, std::span<std::byte> out) noexcept {
  if (version == ProxyVersion::v1) return write_proxy_v1({}, {}, out);
  if (out.size() < kHeadBytes) return 0;
  write_head(kLocal, 0x00, 0, out);
  return kHeadBytes;
}

}  // namespace holdfast::wire
