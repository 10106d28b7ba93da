// apps/holdfast/client/terminal.h: a terminal that a command has for itself: whole screen, keys one by one, given back
// at the end.
//
// Thread: the main one, which alone there is. Signals that end a process come as keys while it lives, so that the
// terminal is given back whatever happens.
#pragma once

#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

#include "client/top_frame.h"
#include "net/socket.h"

namespace holdfast::app {

enum class Key : std::uint8_t {
  none,
  quit,
  sort,
  listeners,
  pools,
  servers,
  up,
  down,
  page_up,
  page_down,
  pause,
  resize
};

class Terminal {
 public:
  // Throws CommandFailed when standard input and output are no terminal.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] static Size size() noexcept;  // of standard output; 80x24 when it does not say
  void show(const std::vector<std::string>& lines);
  // The next key, or none when there was none for so long. A signal to end is `quit`, and a changed size `resize`.
  [[nodiscard]] Key wait(std::chrono::milliseconds time);

 private:
  void enter();
  void leave() noexcept;
  [[nodiscard]] Key read_signal();
  [[nodiscard]] Key take_key();

  termios before_{};
  net::Fd signals_;
  std::string typed_;  // bytes of keys that are not taken yet
};

}  // namespace holdfast::app
