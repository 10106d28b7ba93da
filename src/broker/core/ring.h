// broker/core/ring.h: a line of values in flat storage, taken mostly from the front.
//
// Thread: one owner.
// Cost:   push_back, pop_front O(1) amortised; take moves the shorter side. Storage doubles when full, halves when
//         three quarters are free, and is given back when the last value goes: an empty ring owns nothing.
// Memory: 24 bytes, and sizeof(T) for each of `capacity` places, a power of two from 4 on.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

namespace holdfast::broker {

template <typename T>
class Ring {
 public:
  Ring() = default;
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Ring() { clear(); }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  // Front is 0. Beyond the end is a programming error.
  [[nodiscard]] T& operator[](std::uint32_t index) noexcept { return *place(index); }
  [[nodiscard]] const T& operator[](std::uint32_t index) const noexcept { return *place(index); }
  [[nodiscard]] T& front() noexcept { return *place(0); }

  T& push_back(T value) {
    if (size_ == capacity_) move_to(capacity_ == 0 ? kCapacityMin : capacity_ * 2);
    T* made = std::construct_at(at(size_), std::move(value));
    ++size_;
    return *made;
  }
  T pop_front() { return take(0); }
  // Those before and those behind keep their order.
  T take(std::uint32_t index) {
    T value = std::move(*place(index));
    if (index < size_ / 2) {
      for (std::uint32_t i = index; i > 0; --i) *at(i) = std::move(*at(i - 1));
      std::destroy_at(at(0));
      head_ = (head_ + 1) & (capacity_ - 1);
    } else {
      for (std::uint32_t i = index; i + 1 < size_; ++i) *at(i) = std::move(*at(i + 1));
      std::destroy_at(at(size_ - 1));
    }
    --size_;
    give_back();
    return value;
  }
  // Takes out those that `chosen(value)` holds for and gives them to `visit(value&&)`, front first. One walk.
  template <typename Chosen, typename Visit>
  void take_if(Chosen&& chosen, Visit&& visit) {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < size_; ++i) {
      if (chosen(std::as_const(*at(i)))) {
        visit(std::move(*at(i)));
      } else {
        if (kept != i) *at(kept) = std::move(*at(i));
        ++kept;
      }
    }
    while (size_ > kept) std::destroy_at(at(--size_));
    give_back();
  }
  void clear() noexcept {
    for (std::uint32_t i = 0; i < size_; ++i) std::destroy_at(at(i));
    std::allocator<T>().deallocate(values_, capacity_);
    values_ = nullptr;
    head_ = size_ = capacity_ = 0;
  }
  void swap(Ring& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return std::size_t{capacity_} * sizeof(T); }

 private:
  static constexpr std::uint32_t kCapacityMin = 4;

  T* at(std::uint32_t index) const noexcept { return values_ + ((head_ + index) & (capacity_ - 1)); }
  T* place(std::uint32_t index) const noexcept {
    if (index >= size_) std::abort();
    return at(index);
  }
  void give_back() {
    if (size_ == 0) return clear();
    std::uint32_t capacity = capacity_;
    while (capacity > kCapacityMin && size_ <= capacity / 4) capacity /= 2;
    if (capacity != capacity_) move_to(capacity);
  }
  void move_to(std::uint32_t capacity) {
    T* values = std::allocator<T>().allocate(capacity);
    for (std::uint32_t i = 0; i < size_; ++i) {
      std::construct_at(values + i, std::move(*at(i)));
      std::destroy_at(at(i));
    }
    std::allocator<T>().deallocate(values_, capacity_);
    values_ = values;
    capacity_ = capacity;
    head_ = 0;
  }

  T* values_ = nullptr;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace holdfast::broker
