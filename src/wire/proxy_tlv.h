// wire/proxy_tlv.h: what a PROXY header of version 2 may say besides the addresses: values with a type and a length.
//
// Source: PROXY 2.2, 2.2.1 to 2.2.8.
// Thread: values; they point into the bytes they were made from. Cost: nothing allocates; finding is a walk.
// Limits: any bytes are safe to walk over; the walk ends before the first value that does not fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>

namespace holdfast::wire {

// Any value of a byte may appear, not only those that have a name.
enum class ProxyTlvType : std::uint8_t {
  alpn = 0x01,
  authority = 0x02,  // what the client asked for (SNI); meant to be UTF-8, not checked
  crc32c = 0x03,
  noop = 0x04,
  unique_id = 0x05,
  ssl = 0x20,
  // Only within the value of `ssl`.
  ssl_version = 0x21,
  ssl_cn = 0x22,
  ssl_cipher = 0x23,
  ssl_sig_alg = 0x24,
  ssl_key_alg = 0x25,
  netns = 0x30,
  // Ends included; the protocol will never use these itself.
  custom_first = 0xe0,
  custom_last = 0xef,
};

inline constexpr std::size_t kProxyUniqueIdBytesMax = 128;
inline constexpr std::size_t kProxyTlvHeadBytes = 3;  // the type and the length

struct ProxyTlv {
  ProxyTlvType type{};
  std::span<const std::byte> value;
};

// A range of ProxyTlv.
class ProxyTlvs {
 public:
  class Iterator {
   public:
    using value_type = ProxyTlv;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(std::span<const std::byte> rest) noexcept : rest_(rest) {}
    [[nodiscard]] ProxyTlv operator*() const noexcept;
    Iterator& operator++() noexcept;
    Iterator operator++(int) noexcept;
    // True as well before a value that does not fit.
    [[nodiscard]] bool operator==(std::default_sentinel_t) const noexcept;
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return rest_.data() == other.rest_.data(); }
    // From the current value on.
    [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

   private:
    std::span<const std::byte> rest_;
  };

  ProxyTlvs() = default;
  explicit ProxyTlvs(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(bytes_); }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  // Nothing is left over behind the last value.
  [[nodiscard]] bool is_well_formed() const noexcept;
  // The value of the first one of this type.
  [[nodiscard]] std::optional<std::span<const std::byte>> find(ProxyTlvType type) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

// The value of ProxyTlvType::ssl.
struct ProxySsl {
  // Bits of `client`.
  static constexpr std::uint8_t kTls = 0x01;             // the client speaks TLS
  static constexpr std::uint8_t kCertConnection = 0x02;  // it gave a certificate on this connection
  static constexpr std::uint8_t kCertSession = 0x04;     // or earlier in this TLS session

  std::uint8_t client = 0;
  std::uint32_t verify = 0;  // 0: verified, if there was a certificate; the bits say whether
  ProxyTlvs tlvs;            // of the types ssl_...
};

// Nothing when it is too short or its values do not fit.
[[nodiscard]] std::optional<ProxySsl> read_proxy_ssl(std::span<const std::byte> value) noexcept;

// Returns the bytes written; 0 and nothing written when it does not fit, or the value is longer than 65535 bytes.
// For the values within `ssl`; write_proxy_v2() takes the others as they are.
[[nodiscard]] std::size_t write_proxy_tlv(const ProxyTlv& tlv, std::span<std::byte> out) noexcept;

}  // namespace holdfast::wire
