#include "control/readiness.h"

#include <systemd/sd-daemon.h>

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

}  // namespace holdfast::control
