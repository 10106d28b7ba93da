// wire/proxy.h: the PROXY protocol: what a proxy says about the client before the client's first byte.
//
// Source: proxy-protocol.txt of HAProxy; cited as PROXY 2.1 (version 1, a line) and PROXY 2.2 (version 2, binary).
// Thread: pure functions. Cost: nothing allocates or throws. Asking again as bytes arrive is cheap: at most 107 bytes
//         of version 1 are looked at, and 16 of version 2 until all of it is there.
// Limits: a header is at most kProxyBytesMax, a longer one is refused as soon as its length is known.
//
// The protocol must not be guessed (PROXY 2): read a header only where one is configured to come, from peers that are
// trusted to tell the truth, and end the connection when the status is neither whole nor more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/peer_address.h"
#include "wire/proxy_tlv.h"

namespace holdfast::wire {

inline constexpr std::size_t kProxyBytesMax = 4096;   // version 2 with its TLVs; the bound is ours
inline constexpr std::size_t kProxyV1BytesMax = 107;  // PROXY 2.1, with CR LF
inline constexpr std::size_t kProxyV2BytesMax = 239;  // what write_proxy_v2() needs for addresses and CRC without TLVs

enum class ProxyVersion : std::uint8_t { v1 = 1, v2 = 2 };

// local: the proxy's own connection, such as a health check.
enum class ProxyCommand : std::uint8_t { local, proxy };

struct ProxyHeader {
  ProxyVersion version = ProxyVersion::v1;
  ProxyCommand command = ProxyCommand::proxy;
  // Both of one family. Family::none when the header does not say (local, UNKNOWN, UNSPEC): then the connection's own
  // addresses count. unix_socket without a path. An IPv4 address mapped into IPv6 stays IPv6.
  base::PeerAddress source;
  base::PeerAddress destination;
  // Well formed, down to those within `ssl`, and the checksum is right where there is one. Points into the input.
  // Empty unless a family is known: only then it is known where they begin.
  ProxyTlvs tlvs;
};

enum class ProxyStatus : std::uint8_t {
  whole,      // ProxyRead::bytes are the header, what follows is the client's
  more,       // nothing wrong yet; a line of version 1 is judged when its CR LF is there, as PROXY 2.1 demands
  none,       // it begins like no header; decided by the first byte that differs
  malformed,  // it begins like a header and is none
};

struct ProxyRead {
  ProxyStatus status = ProxyStatus::none;
  std::size_t bytes = 0;   // 0 unless whole
  ProxyHeader header;      // empty unless whole
  const char* fault = "";  // a literal, for the log, when malformed
};

// What `input`, everything received so far, begins with. No input is `more`.
[[nodiscard]] ProxyRead read_proxy_header(std::span<const std::byte> input) noexcept;

// Whether `input` begins with all of either version's signature: before that it may still become anything.
[[nodiscard]] bool has_proxy_signature(std::span<const std::byte> input) noexcept;

// The writers return the bytes written; 0, and nothing written, when `out` has no room for the header.
//
// Two addresses of one family are sent as they are; IPv4 beside IPv6 is mapped into it (::ffff:a.b.c.d). Anything else
// is sent as unknown, and so are unix sockets in version 1.

// kProxyV1BytesMax are always enough.
[[nodiscard]] std::size_t write_proxy_v1(const base::PeerAddress& source, const base::PeerAddress& destination,
                                         std::span<std::byte> out) noexcept;

enum class ProxyCrc : std::uint8_t { without, with };

struct ProxyExtras {
  // Sent as they are, but for crc32c, which is left out: those of a header that was read may be handed on.
  // They are sent with unknown addresses too, but most receivers, this one as well, will not look at them then.
  std::span<const ProxyTlv> tlvs = {};
  ProxyCrc crc = ProxyCrc::without;
};

// kProxyV2BytesMax are always enough without TLVs. More than kProxyBytesMax are never written.
[[nodiscard]] std::size_t write_proxy_v2(const base::PeerAddress& source, const base::PeerAddress& destination,
                                         const ProxyExtras& extras, std::span<std::byte> out) noexcept;

// The header of a connection of our own: LOCAL, in version 1 UNKNOWN, which some servers refuse (PROXY 2.1): to those,
// write_proxy_v1() with the addresses of the connection itself is the better way.
[[nodiscard]] std::size_t write_proxy_local(ProxyVersion version, std::span<std::byte> out) noexcept;

}  // namespace holdfast::wire
