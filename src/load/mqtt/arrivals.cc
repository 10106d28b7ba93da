#include "load/mqtt/arrivals.h"

namespace holdfast::load {

Arrivals::Kind Arrivals::note(std::uint32_t number) noexcept {
  if (number >= next_) {
    advance(number);
    ++unique_;
    return Kind::in_order;
  }
  if (next_ - number > kRemembered) {
    if (missing_before_remembered() == 0) return Kind::duplicate;
  } else if (came_.test(number % kRemembered)) {
    return Kind::duplicate;
  } else {
    came_.set(number % kRemembered);
  }
  ++unique_;
  return Kind::late;
}

void Arrivals::advance(std::uint32_t number) noexcept {
  if (number - next_ >= kRemembered) {
    came_.reset();
  } else {
    for (std::uint32_t left_out = next_; left_out < number; ++left_out) came_.reset(left_out % kRemembered);
  }
  came_.set(number % kRemembered);
  next_ = number + 1;
}

std::uint32_t Arrivals::missing_before_remembered() const noexcept {
  const auto remembered = static_cast<std::uint32_t>(came_.count());
  return next_ - kRemembered - (unique_ - remembered);
}

}  // namespace holdfast::load
