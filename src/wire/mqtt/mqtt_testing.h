// wire/mqtt/mqtt_testing.h: what the tests of the MQTT codec share: packets written as text, and how they are judged.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"
#include "wire/mqtt/varint.h"

namespace holdfast::wire::mqtt::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline std::string varint(std::size_t value) {
  std::array<std::byte, kVarintBytesMax> out;
  return text_of(std::span(out.data(), write_varint(out.data(), value)));
}

// Properties behind their length.
inline std::string with_length(std::string_view properties) {
  return varint(properties.size()) + std::string(properties);
}

// Bytes from words: hexadecimal digits are bytes, 'abc' its characters, <abc> its characters behind their length of two
// bytes, {words} the bytes of the words behind their length as a property length.
inline std::string raw(std::string_view spec) {
  constexpr std::string_view kOpening = "'<{";
  constexpr std::string_view kClosing = "'>}";
  std::string out;
  while (!spec.empty()) {
    std::size_t taken = 1;
    if (const std::size_t kind = kOpening.find(spec[0]); kind != std::string_view::npos) {
      const std::string_view inside = spec.substr(1, spec.find(kClosing[kind], 1) - 1);
      if (kind == 1) out += {static_cast<char>(inside.size() >> 8), static_cast<char>(inside.size() & 0xff)};
      out += kind == 2 ? with_length(raw(inside)) : inside;
      taken = inside.size() + 2;
    } else if (spec[0] != ' ') {
      out += static_cast<char>(std::stoi(std::string(spec.substr(0, 2)), nullptr, 16));
      taken = 2;
    }
    spec.remove_prefix(taken);
  }
  return out;
}

// `first` is the first byte; the remaining length is put behind it.
inline std::string packet_of(unsigned first, std::string_view body) {
  return std::string(1, static_cast<char>(first)) + varint(body.size()) + std::string(body);
}
inline std::string packet(unsigned first, std::string_view spec) { return packet_of(first, raw(spec)); }

// Reads a whole packet from memory that ends where its body ends, so that a sanitizer sees every byte too many.
class Reading {
 public:
  Reading(std::string_view input, Version version, Sender sender) {
    const HeaderRead read = read_header(bytes_of(input));
    if (read.status != HeaderStatus::ok) {
      fault_ = read.fault;
      is_whole_ = read.status == HeaderStatus::malformed;
      return;
    }
    header_ = read.header;
    if (input.size() < header_.packet_bytes()) {
      is_whole_ = false;
      return;
    }
    const auto body = bytes_of(input).subspan(header_.header_bytes, header_.body_bytes);
    body_.assign(body.begin(), body.end());
    fault_ = decode(header_, body_, version, sender, packet_);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] const Fault* fault() const { return fault_; }
  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] const Packet& packet() const { return packet_; }
  template <typename T>
  [[nodiscard]] const T& as() const {
    return std::get<T>(packet_);
  }

 private:
  bool is_whole_ = true;
  Header header_;
  std::vector<std::byte> body_;
  const Fault* fault_ = nullptr;
  Packet packet_;
};

inline const char* what(const Fault* fault) { return fault != nullptr ? fault->what : "no fault"; }

inline std::string written(const Packet& packet, Version version) {
  Bytes out;
  EXPECT_TRUE(encode(out, packet, version));
  return text_of(out);
}

// A prefix is never a packet, and reading a body that has been cut (with a header that says so) is safe: what comes out
// may be another packet, but one that can be written.
inline void expect_safe_at_every_cut(std::string_view input, Version version, Sender sender) {
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    const Reading reading(input.substr(0, cut), version, sender);
    ASSERT_FALSE(reading.is_whole()) << cut;
  }
  const HeaderRead read = read_header(bytes_of(input));
  if (read.status != HeaderStatus::ok) return;
  const std::string_view body = input.substr(read.header.header_bytes);
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    const std::string shorter = packet_of(static_cast<unsigned char>(input[0]), body.substr(0, cut));
    const Reading reading(shorter, version, sender);
    if (reading.fault() == nullptr) (void)written(reading.packet(), version);
  }
}

struct Broken {
  const char* name;
  Version version;
  Sender sender;
  std::string packet;
  Reason reason;
  std::string_view clause;  // its end
};

inline void expect_broken(const Broken& row) {
  SCOPED_TRACE(row.name);
  const Reading reading(row.packet, row.version, row.sender);
  ASSERT_TRUE(reading.is_whole());
  ASSERT_NE(reading.fault(), nullptr);
  EXPECT_EQ(name(reading.fault()->reason), std::string_view(name(row.reason))) << reading.fault()->what;
  EXPECT_TRUE(std::string_view(reading.fault()->clause).ends_with(row.clause)) << reading.fault()->clause;
  EXPECT_STRNE(reading.fault()->what, "");
  expect_safe_at_every_cut(row.packet, row.version, row.sender);
}

inline constexpr Version kAllVersions[] = {Version::v31, Version::v311, Version::v5};

}  // namespace holdfast::wire::mqtt::testing
