// broker/core/subscription_ids.h: the subscription identifiers that go with one copy of a message.
//
// Thread: one owner. Memory: 8 bytes; none or one of them needs no more, several are one heap block.
// Limits: as many as the client has subscriptions that match.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace holdfast::broker {

class SubscriptionIdList {
 public:
  SubscriptionIdList() = default;
  explicit SubscriptionIdList(std::span<const std::uint32_t> ids) {
    if (ids.size() == 1) {
      word_ = std::uint64_t{ids[0]} << 1 | kOne;
    } else if (ids.size() > 1) {
      auto* block = new std::uint32_t[ids.size() + 1];
      block[0] = static_cast<std::uint32_t>(ids.size());
      std::memcpy(block + 1, ids.data(), ids.size_bytes());
      word_ = reinterpret_cast<std::uintptr_t>(block);
    }
  }
  SubscriptionIdList(SubscriptionIdList&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  SubscriptionIdList& operator=(SubscriptionIdList&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~SubscriptionIdList() { delete[] block(); }

  // `one` is where a single identifier is put so that there is something to point to.
  [[nodiscard]] std::span<const std::uint32_t> view(std::uint32_t& one) const noexcept {
    if ((word_ & kOne) != 0) {
      one = static_cast<std::uint32_t>(word_ >> 1);
      return {&one, 1};
    }
    const std::uint32_t* several = block();
    return several != nullptr ? std::span(several + 1, several[0]) : std::span<const std::uint32_t>();
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    const std::uint32_t* several = block();
    return several != nullptr ? (several[0] + std::size_t{1}) * sizeof(std::uint32_t) : 0;
  }

 private:
  static constexpr std::uint64_t kOne = 1;

  [[nodiscard]] std::uint32_t* block() const noexcept {
    return (word_ & kOne) != 0 ? nullptr : reinterpret_cast<std::uint32_t*>(word_);
  }

  std::uint64_t word_ = 0;  // 0: none; odd: the only one, doubled; else the block: how many, and they
};
static_assert(sizeof(SubscriptionIdList) == 8);

}  // namespace holdfast::broker
