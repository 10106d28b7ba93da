#include "client/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "client/client.h"

namespace holdfast::app {
namespace {

// The other screen, without a cursor and without wrapping; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

struct KeyBytes {
  std::string_view bytes;
  Key key;
};
constexpr std::array kKeys = {
    KeyBytes{"\x1b[A", Key::up},   KeyBytes{"\x1b[B", Key::down},     KeyBytes{"\x1bOA", Key::up},
    KeyBytes{"\x1bOB", Key::down}, KeyBytes{"\x1b[5~", Key::page_up}, KeyBytes{"\x1b[6~", Key::page_down},
    KeyBytes{"q", Key::quit},      KeyBytes{"Q", Key::quit},          KeyBytes{"\x03", Key::quit},
    KeyBytes{"\x04", Key::quit},   KeyBytes{"s", Key::sort},          KeyBytes{"l", Key::listeners},
    KeyBytes{"p", Key::pools},     KeyBytes{"v", Key::servers},       KeyBytes{"k", Key::up},
    KeyBytes{"j", Key::down},      KeyBytes{" ", Key::pause}};

sigset_t signals_of_interest() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT}) ::sigaddset(&signals, each);
  return signals;
}

net::Fd open_signals() {
  const sigset_t signals = signals_of_interest();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return net::Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Terminal::Terminal() {
  if (::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0)
    throw CommandFailed(kUsageOrFaults, "needs a terminal; --once prints one picture anywhere");
  signals_ = open_signals();
  enter();
}

Terminal::~Terminal() { leave(); }

void Terminal::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  print(kEnter);
}

// Whatever fails here, there is nobody left to tell.
void Terminal::leave() noexcept {
  (void)!::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Size Terminal::size() noexcept {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

// Over what was there, so that nothing flickers.
void Terminal::show(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\r\n" : "") + lines[i] + "\x1b[K";
  print(text + "\x1b[J");
}

Key Terminal::read_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return Key::none;
  if (info.ssi_signo == SIGWINCH) return Key::resize;
  if (info.ssi_signo != SIGCONT) return Key::quit;
  enter();  // a shell has had the terminal in the meantime
  return Key::resize;
}

Key Terminal::take_key() {
  while (!typed_.empty()) {
    for (const KeyBytes& each : kKeys) {
      if (!typed_.starts_with(each.bytes)) continue;
      typed_.erase(0, each.bytes.size());
      return each.key;
    }
    typed_.erase(0, 1);
  }
  return Key::none;
}

Key Terminal::wait(std::chrono::milliseconds time) {
  if (const Key key = take_key(); key != Key::none) return key;
  std::array<pollfd, 2> ready = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  if (::poll(ready.data(), ready.size(), static_cast<int>(time.count())) <= 0) return Key::none;
  if (ready[1].revents != 0) return read_signal();
  std::array<char, 64> bytes{};
  const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count <= 0) return Key::quit;  // the terminal is gone
  typed_.append(bytes.data(), static_cast<std::size_t>(count));
  return take_key();
}

}  // namespace holdfast::app
