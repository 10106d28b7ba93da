// wire/proxy_testing.h: what the tests of the PROXY protocol share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/proxy.h"

namespace holdfast::wire::proxy_testing {

using base::PeerAddress;
using Family = base::PeerAddress::Family;

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline PeerAddress ipv4(std::uint8_t last, std::uint16_t port) { return {{10, 0, 0, last}, port, Family::ipv4}; }
inline PeerAddress ipv6(std::uint8_t last, std::uint16_t port) {
  return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}, port, Family::ipv6};
}
inline PeerAddress unix_socket() { return {{}, 0, Family::unix_socket}; }

// A header of version 2 with a length that is right.
inline std::string v2_header(std::uint8_t command, std::uint8_t family, std::string_view rest) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  for (const std::size_t byte : {std::size_t{command}, std::size_t{family}, rest.size() >> 8, rest.size() & 0xff}) {
    header += static_cast<char>(byte);
  }
  return header.append(rest);
}

inline std::string tlv(std::uint8_t type, std::string_view value) {
  std::string written(kProxyTlvHeadBytes + value.size(), '\0');
  const ProxyTlv made{static_cast<ProxyTlvType>(type), bytes_of(value)};
  EXPECT_EQ(write_proxy_tlv(made, std::as_writable_bytes(std::span(written))), written.size());
  return written;
}

// Reads from memory that ends where the input ends, so that a sanitizer sees every byte too many.
class Reading {
 public:
  explicit Reading(std::string_view input) : input_(bytes_of(input).begin(), bytes_of(input).end()) {
    read_ = read_proxy_header(input_);
  }
  const ProxyRead* operator->() const { return &read_; }
  const ProxyRead& operator*() const { return read_; }

 private:
  std::vector<std::byte> input_;
  ProxyRead read_;
};

inline void expect_same(const ProxyHeader& got, const ProxyHeader& want) {
  EXPECT_EQ(got.version, want.version);
  EXPECT_EQ(got.command, want.command);
  EXPECT_EQ(got.source, want.source) << got.source.text();
  EXPECT_EQ(got.destination, want.destination) << got.destination.text();
  EXPECT_EQ(text_of(got.tlvs.bytes()), text_of(want.tlvs.bytes()));
}

// `header` is one, whatever follows it, and each of its proper prefixes may still become one.
inline void expect_whole(const std::string& header, const ProxyHeader& want) {
  for (const std::string& behind : {std::string(), std::string("\n"), std::string(300, '\r'), header}) {
    const Reading read(header + behind);
    ASSERT_EQ(read->status, ProxyStatus::whole) << read->fault;
    EXPECT_EQ(read->bytes, header.size());
    EXPECT_STREQ(read->fault, "");
    expect_same(read->header, want);
  }
  for (std::size_t cut = 0; cut < header.size(); ++cut) {
    const Reading read(std::string_view(header).substr(0, cut));
    ASSERT_EQ(read->status, ProxyStatus::more) << cut << ": " << read->fault;
    EXPECT_EQ(read->bytes, 0U);
    EXPECT_STREQ(read->fault, "");
  }
}

// `input` begins like a header and is none. So it is with more behind it, and before the fault shows there is no other
// answer than `more`.
inline void expect_malformed(const std::string& input, std::string_view fault) {
  for (const std::string& behind : {std::string(), std::string(1, '\0'), std::string("\r\n"), std::string(5000, 'x')}) {
    const Reading read(input + behind);
    ASSERT_EQ(read->status, ProxyStatus::malformed);
    EXPECT_EQ(read->bytes, 0U);
    EXPECT_NE(std::string_view(read->fault).find(fault), std::string_view::npos) << read->fault;
    expect_same(read->header, ProxyHeader{});
  }
  auto last = ProxyStatus::more;
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    const ProxyStatus status = Reading(std::string_view(input).substr(0, cut))->status;
    ASSERT_TRUE(status == last || (last == ProxyStatus::more && status == ProxyStatus::malformed)) << cut;
    last = status;
  }
}

}  // namespace holdfast::wire::proxy_testing
