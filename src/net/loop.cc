#include "net/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "net/timer_wheel.h"

namespace holdfast::net {
namespace {

constexpr std::size_t kSourcesMax = 16;
constexpr int kEventsPerTurnMax = 16;
constexpr std::uint64_t kWakeupToken = ~std::uint64_t{0};  // a source and generation that no object has

}  // namespace

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), now_(base::Clock::now()) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeupToken;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_.fd(), &event) != 0) {
    ::close(epoll_);
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

Loop::~Loop() { ::close(epoll_); }

std::uint8_t Loop::add_source(Source& source) {
  if (sources_.size() == kSourcesMax) std::abort();
  sources_.push_back(&source);
  return static_cast<std::uint8_t>(sources_.size() - 1);
}

void Loop::add_timers(TimerWheel& wheel) { wheels_.push_back(&wheel); }

base::Result<void> Loop::watch(int fd, Token token, Watch how) {
  epoll_event event{};
  // EPOLLEXCLUSIVE allows neither EPOLLRDHUP nor a later change; a shared listener needs neither.
  event.events =
      how == Watch::shared ? EPOLLIN | EPOLLET | EPOLLEXCLUSIVE : EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
  event.data.u64 = token.pack();
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return base::system_error("epoll_ctl");
  return {};
}

void Loop::unwatch(int fd) noexcept { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void Loop::run(const Hook& top_of_turn, const Hook& end_of_turn) {
  while (!stopping_.load(std::memory_order_acquire)) turn(base::Duration::max(), top_of_turn, end_of_turn);
}

void Loop::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  wake();
}

int Loop::timeout_ms(base::Duration patience) const {
  if (!ready_.empty()) return 0;
  base::Time until = patience > std::chrono::hours{1} ? base::Time::max() : now_ + patience;
  for (const TimerWheel* wheel : wheels_) {
    if (const auto next = wheel->next()) {
      const auto ahead = std::max(next->since(base::Tick::at(now_)), std::chrono::milliseconds{0});
      until = std::min(until, now_ + ahead);
    }
  }
  if (until == base::Time::max()) return -1;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now_).count());
}

void Loop::turn(base::Duration patience, const Hook& top_of_turn, const Hook& end_of_turn) {
  std::array<epoll_event, kEventsPerTurnMax> events;
  const int count = ::epoll_wait(epoll_, events.data(), kEventsPerTurnMax, timeout_ms(patience));
  if (count < 0 && errno != EINTR) std::abort();
  now_ = base::Clock::now();
  counters_.turns.add();
  top_of_turn();
  resuming_.swap(ready_);
  events_left_ = static_cast<std::size_t>(std::max(count, 0)) + resuming_.size();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    --events_left_;
    dispatch(event.data.u64, event.events);
  }
  for (const std::uint64_t packed : resuming_) {
    const Token token = Token::unpack(packed);
    --events_left_;
    sources_[token.source]->on_resume(token);
  }
  resuming_.clear();
  // After the events: after a pause of this process, what has come in meanwhile is seen before anyone is judged to be
  // silent.
  for (TimerWheel* wheel : wheels_) wheel->advance(tick());
  if (end_of_turn) end_of_turn();
  counters_.lengths.record(now_, base::Clock::now());
}

void Loop::dispatch(std::uint64_t packed, std::uint32_t events) {
  // A wake-up is never taken back: the descriptor is edge-triggered, so each one is an event of its own. Taking it back
  // here would lose the one that came after `top_of_turn` had looked.
  if (packed == kWakeupToken) return;
  counters_.events.add();
  const Token token = Token::unpack(packed);
  sources_[token.source]->on_ready(token, Ready{.readable = (events & (EPOLLIN | EPOLLRDHUP)) != 0,
                                                .writable = (events & EPOLLOUT) != 0,
                                                .hangup = (events & (EPOLLRDHUP | EPOLLPRI)) != 0,
                                                .broken = (events & (EPOLLERR | EPOLLHUP)) != 0});
}

}  // namespace holdfast::net
