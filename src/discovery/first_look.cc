#include "discovery/first_look.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace holdfast::discovery {
namespace {

using std::chrono::system_clock;

constexpr std::chrono::milliseconds kLookGap{10};

// A time stamp of the future says nothing.
bool is_old(const FileState& state, std::chrono::milliseconds settle) {
  const auto age = system_clock::now().time_since_epoch() - std::chrono::nanoseconds(state.changed_ns);
  return state.error != 0 || age >= settle;
}

}  // namespace

SourceText first_look(const std::filesystem::path& path, Settling::Limits limits) {
  Settling settling(limits);
  while (true) {
    const FileState state = look_at(path);
    const Settling::Next next = settling.see(state, base::Clock::now());
    if (next == Settling::Next::complain) return {{}, SourceStatus::Alarm::unreadable, kRestless, false, state};
    if (next == Settling::Next::read || is_old(state, limits.settle)) {
      SourceText text = read_source(path);
      if (text.state == state) return text;
    }
    std::this_thread::sleep_until(std::max(settling.due(), base::Clock::now() + kLookGap));
  }
}

}  // namespace holdfast::discovery
