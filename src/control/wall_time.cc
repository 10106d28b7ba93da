#include "control/wall_time.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace holdfast::control {

std::string to_rfc3339(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto millisecond = std::chrono::duration_cast<std::chrono::milliseconds>(time - second);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     millisecond.count());
}

}  // namespace holdfast::control
