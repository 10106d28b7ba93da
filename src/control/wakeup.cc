#include "control/wakeup.h"

namespace holdfast::control {

Wakeup::Wakeup(Runtime& runtime, std::function<void()> on_wake)
    : watch_(runtime.context(), event_.fd(), [this, on_wake = std::move(on_wake)] {
        event_.clear();  // before the callback, so that a wake() during it is not lost
        on_wake();
      }) {}

Wakeup::~Wakeup() = default;

void Wakeup::wake() noexcept { event_.wake(); }

}  // namespace holdfast::control
