#include "control/readiness.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string>

namespace holdfast::control {

void notify_ready() { ::sd_notify(0, "READY=1"); }

// A manager of version 252 or older takes the end of a reload from READY=1; a younger one wants to know since when.
void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void notify_stopping() { ::sd_notify(0, "STOPPING=1"); }

void notify_status(std::string_view line) {
  std::string state = "STATUS=" + std::string(line);
  // A newline would begin another assignment.
  std::ranges::replace_if(
      state, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  ::sd_notify(0, state.c_str());
}

}  // namespace holdfast::control
