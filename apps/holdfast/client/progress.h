// apps/holdfast/client/progress.h: watching a drain until it has ended.
//
// Thread: the main one of a command.
#pragma once

#include <functional>
#include <string>

namespace holdfast::app {

// What one look at the process has shown.
struct Progress {
  enum class State : std::uint8_t { going_on, ended, given_up };
  State state = State::going_on;
  std::string text;  // of this moment, in one line
};

// Looks again and again until the drain is over, and shows what has changed: on a terminal in one line that is
// written anew, elsewhere a line a second. Throws CommandFailed when the drain was given up.
void watch(const std::function<Progress()>& look);

}  // namespace holdfast::app
