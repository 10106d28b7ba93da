#include "discovery/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

namespace holdfast::discovery {
namespace asio = boost::asio;
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

// Kept by the wait that is under way, so that it may end after its DirectoryWatch.
struct DirectoryWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, const std::filesystem::path& directory, std::function<void()> callback)
      : inotify(std::make_shared<Inotify>(directory)), descriptor(context), on_hint(std::move(callback)) {
    if (inotify->fd() >= 0) descriptor.assign(inotify->fd());
  }
  ~State() {
    if (descriptor.is_open()) descriptor.release();  // `inotify` closes it
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            if (!error) self->on_readable();
                          });
  }

  void on_readable() {
    if (over) return;
    std::array<char, 4096> events;
    for (int i = 0; i<kReadsMax&& ::read(inotify->fd(), events.data(), events.size())> 0; ++i) {
    }
    on_hint();
    if (!over) wait();
  }

  const std::shared_ptr<Inotify> inotify;
  asio::posix::stream_descriptor descriptor;
  std::function<void()> on_hint;
  bool over = false;
};

DirectoryWatch::DirectoryWatch(control::Runtime& runtime, const std::filesystem::path& directory,
                               std::function<void()> on_hint)
    : state_(std::make_shared<State>(runtime.context(), directory, std::move(on_hint))) {
  if (state_->descriptor.is_open()) state_->wait();
}

DirectoryWatch::~DirectoryWatch() {
  state_->over = true;
  boost::system::error_code ignored;
  state_->descriptor.cancel(ignored);
}

const std::shared_ptr<Inotify>& DirectoryWatch::inotify() const noexcept { return state_->inotify; }

}  // namespace holdfast::discovery
