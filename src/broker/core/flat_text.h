// broker/core/flat_text.h: a text that is kept long and changed never: 8 bytes, and one heap block that fits.
//
// Thread: one owner. Limits: 65,535 bytes, as every text of MQTT has; more is a programming error.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace holdfast::broker {

class FlatText {
 public:
  FlatText() = default;
  explicit FlatText(std::string_view text) {
    if (text.empty()) return;
    if (text.size() > 0xffff) std::abort();
    const auto bytes = static_cast<std::uint16_t>(text.size());
    block_ = std::make_unique_for_overwrite<char[]>(sizeof(bytes) + bytes);
    std::memcpy(block_.get(), &bytes, sizeof(bytes));
    std::memcpy(block_.get() + sizeof(bytes), text.data(), bytes);
  }

  [[nodiscard]] std::string_view view() const noexcept {
    if (!block_) return {};
    std::uint16_t bytes = 0;
    std::memcpy(&bytes, block_.get(), sizeof(bytes));
    return {block_.get() + sizeof(bytes), bytes};
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return block_ ? sizeof(std::uint16_t) + view().size() : 0; }

 private:
  std::unique_ptr<char[]> block_;
};
static_assert(sizeof(FlatText) == 8);

}  // namespace holdfast::broker
