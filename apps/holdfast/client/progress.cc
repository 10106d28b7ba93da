#include "client/progress.h"

#include <unistd.h>

#include <chrono>
#include <thread>

#include "client/client.h"

namespace holdfast::app {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{250};
constexpr std::chrono::seconds kBetweenLines{1};  // in a log

// What was shown last, so that the same is not said twice.
class ProgressLine {
 public:
  void show(const Progress& progress) {
    const std::string& text = progress.text;
    const bool may_wait = progress.state == Progress::State::going_on && !on_terminal_ && !shown_.empty();
    const auto now = std::chrono::steady_clock::now();
    if (text == shown_ || (may_wait && now - shown_at_ < kBetweenLines)) return;
    shown_at_ = now;
    print(on_terminal_ ? "\r\x1b[K" + text : text + "\n");
    shown_ = text;
  }
  void end() {
    if (on_terminal_ && !shown_.empty()) print("\n");
  }

 private:
  const bool on_terminal_ = ::isatty(STDOUT_FILENO) != 0;
  std::string shown_;
  std::chrono::steady_clock::time_point shown_at_;
};

}  // namespace

void watch(const std::function<Progress()>& look) {
  ProgressLine line;
  while (true) {
    const Progress progress = look();
    line.show(progress);
    if (progress.state != Progress::State::going_on) {
      line.end();
      if (progress.state == Progress::State::given_up) throw CommandFailed(kFailed, "somebody has ended the drain");
      return;
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace holdfast::app
