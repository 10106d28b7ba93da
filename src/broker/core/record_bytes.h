// broker/core/record_bytes.h: the numbers and byte runs of a flat record, in network order.
//
// Thread: a value of the caller's. Limits: the reader never reads behind the end; what is not there reads as 0 or
// empty, and from then on the record is not good().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace holdfast::broker {

class RecordWriter {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t shift = sizeof(T) * 8; shift > 0; shift -= 8) {
      bytes_.push_back(static_cast<std::byte>(value >> (shift - 8) & 0xff));
    }
  }
  // How many comes first, as a number of type T.
  template <std::unsigned_integral T>
  void run(std::span<const std::byte> bytes) {
    number(static_cast<T>(bytes.size()));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class RecordReader {
 public:
  explicit RecordReader(std::span<const std::byte> record) noexcept : rest_(record) {}

  template <std::unsigned_integral T>
  [[nodiscard]] T number() noexcept {
    std::uint64_t value = 0;
    for (const std::byte each : raw(sizeof(T))) value = value << 8 | std::to_integer<std::uint64_t>(each);
    return static_cast<T>(value);
  }
  template <std::unsigned_integral T>
  [[nodiscard]] std::span<const std::byte> run() noexcept {
    return raw(number<T>());
  }
  // A count of things that take at least `bytes_each`: more than can follow is not good.
  [[nodiscard]] std::uint32_t count(std::size_t bytes_each) noexcept {
    const auto value = number<std::uint32_t>();
    if (value > rest_.size() / bytes_each) good_ = false;
    return good_ ? value : 0;
  }

  void demand(bool holds) noexcept { good_ = good_ && holds; }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_good_end() const noexcept { return good_ && rest_.empty(); }

 private:
  std::span<const std::byte> raw(std::size_t bytes) noexcept {
    if (!good_ || bytes > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::span<const std::byte> taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
  }

  std::span<const std::byte> rest_;
  bool good_ = true;
};

[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace holdfast::broker
