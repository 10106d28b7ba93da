#include "mqtt/message_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/client.h"
#include "control/descriptor_watch.h"
#include "mqtt/text.h"
#include "net/socket.h"
#include "wire/mqtt/packets.h"

namespace holdfast::app {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

class Repeated final : public MessageSource {
 public:
  Repeated(std::string payload, std::uint64_t count, Numbered numbered)
      : payload_(std::move(payload)), count_(count), numbered_(numbered) {}

  std::optional<std::string> take() override {
    if (is_over()) return std::nullopt;
    ++taken_;
    return numbered_ == Numbered::yes ? with_number(payload_, taken_) : payload_;
  }
  bool is_over() override { return taken_ == count_; }

 private:
  const std::string payload_;
  const std::uint64_t count_;
  const Numbered numbered_;
  std::uint64_t taken_ = 0;
};

// Standard input is watched through an epoll of our own, so that it stays as it is: others may share it, and making it
// non-blocking would be felt by them. It is read only when it has something, and only when a line is wanted.
class Lines final : public MessageSource {
 public:
  explicit Lines(World& world) : event_(world.event), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event wanted{.events = EPOLLIN | EPOLLONESHOT, .data = {}};
    is_watched_ = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, STDIN_FILENO, &wanted) == 0;  // not of a file: always ready
    if (is_watched_) watch_.emplace(world.runtime.context(), epoll_.get(), [this] { on_readable(); });
  }

  std::optional<std::string> take() override {
    while (true) {
      if (const std::size_t end = text_.find('\n', looked_at_); end != std::string::npos) return cut(end, end + 1);
      looked_at_ = text_.size();
      if (at_end_) return is_over() ? std::nullopt : std::optional(cut(text_.size(), text_.size()));
      if (!is_ready()) {
        arm();
        return std::nullopt;
      }
      read();
    }
  }
  bool is_over() override { return at_end_ && taken_ == text_.size(); }

 private:
  std::string cut(std::size_t end, std::size_t next) {
    looked_at_ = next;
    const std::size_t from = std::exchange(taken_, next);
    return text_.substr(from, end - from);
  }

  [[nodiscard]] bool is_ready() const {
    pollfd poll{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return !is_watched_ || ::poll(&poll, 1, 0) > 0;
  }

  void on_readable() {
    epoll_event ready{};
    (void)::epoll_wait(epoll_.get(), &ready, 1, 0);  // one shot: it is quiet until arm()
    event_.set();
  }

  void arm() {
    epoll_event wanted{.events = EPOLLIN | EPOLLONESHOT, .data = {}};
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, STDIN_FILENO, &wanted);
  }

  void read() {
    text_.erase(0, taken_);
    looked_at_ -= std::exchange(taken_, 0);
    if (text_.size() > wire::mqtt::kBodyBytesMax)
      throw CommandFailed(kUsageOrFaults, "standard input: a line is too long");
    const std::size_t before = text_.size();
    text_.resize(before + kPieceBytes);
    const ssize_t count = ::read(STDIN_FILENO, text_.data() + before, kPieceBytes);
    text_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR && errno != EAGAIN)
      throw CommandFailed(kUsageOrFaults, fmt::format("standard input: {}", std::strerror(errno)));
    if (count == 0) at_end_ = true;
  }

  Event& event_;
  const net::Fd epoll_;
  bool is_watched_ = false;
  std::optional<control::DescriptorWatch> watch_;  // ends before the descriptor
  std::string text_;
  std::size_t taken_ = 0;
  std::size_t looked_at_ = 0;  // no end of a line before that
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<MessageSource> repeated(std::string payload, std::uint64_t count, Numbered numbered) {
  return std::make_unique<Repeated>(std::move(payload), count, numbered);
}

std::unique_ptr<MessageSource> lines_of_input(World& world) { return std::make_unique<Lines>(world); }

}  // namespace holdfast::app
