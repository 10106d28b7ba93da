#include "control/readiness.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <string>

namespace holdfast::control {

void notify_ready() { ::sd_notify(0, "READY=1"); }

void notify_stopping() { ::sd_notify(0, "STOPPING=1"); }

void notify_status(std::string_view line) {
  std::string state = "STATUS=" + std::string(line);
  // A newline would begin another assignment.
  std::ranges::replace_if(
      state, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  ::sd_notify(0, state.c_str());
}

}  // namespace holdfast::control
