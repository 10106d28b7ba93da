// base/log_pause.h: a line of the log that comes at most once in a time.
//
// Thread: one owner. Cost: 8 bytes; the clock is the caller's.
#pragma once

#include "base/time.h"

namespace holdfast::base {

class LogPause {
 public:
  // True the first time, and then once `length` or more has gone by since it was true.
  [[nodiscard]] bool is_over(Time now, Duration length) noexcept {
    if (told_ != Time{} && now - told_ < length) return false;
    told_ = now;
    return true;
  }

 private:
  Time told_{};
};

}  // namespace holdfast::base
