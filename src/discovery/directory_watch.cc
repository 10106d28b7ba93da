#include "discovery/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>

namespace holdfast::discovery {
namespace {

// What ends a change; not each write of it.
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kReadsMax = 16;  // then others get their turn; what is left is the next hint

}  // namespace

Inotify::Inotify(std::filesystem::path directory)
    : directory_(std::move(directory)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

Inotify::~Inotify() {
  if (fd_ >= 0) ::close(fd_);
}

void Inotify::follow() {
  if (fd_ < 0) return;
  const std::scoped_lock lock(mutex_);
  const int watch = ::inotify_add_watch(fd_, directory_.c_str(), kEvents);
  if (watch == watch_) return;
  if (watch_ >= 0) ::inotify_rm_watch(fd_, watch_);
  watch_ = watch;
}

DirectoryWatch::DirectoryWatch(control::Runtime& runtime, const std::filesystem::path& directory,
                               std::function<void()> on_hint)
    : inotify_(std::make_shared<Inotify>(directory)) {
  if (inotify_->fd() < 0) return;
  watch_.emplace(runtime.context(), inotify_->fd(), [fd = inotify_->fd(), on_hint = std::move(on_hint)] {
    std::array<char, 4096> events;
    for (int i = 0; i<kReadsMax&& ::read(fd, events.data(), events.size())> 0; ++i) {
    }
    on_hint();
  });
}

const std::shared_ptr<Inotify>& DirectoryWatch::inotify() const noexcept { return inotify_; }

}  // namespace holdfast::discovery
