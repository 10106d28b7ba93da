#include "load/run.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "load/dial_from.h"
#include "load/model.h"

namespace holdfast::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Crew {
  net::Loop loop;
  std::unique_ptr<Model> model;
  std::atomic<bool> finished{false};
  std::thread thread;
};

class Run {
 public:
  Run(const Settings& settings, int interrupt_fd, Observer& observer)
      : settings_(settings), interrupt_fd_(interrupt_fd), observer_(observer) {}
  ~Run();

  [[nodiscard]] base::Result<void> begin();
  [[nodiscard]] Outcome lead();

 private:
  template <typename Done>
  void wait_until(base::Time deadline, Done&& done);
  void sleep(base::Duration patience);
  void report_progress(base::Time now);
  void open_window();
  void close_window();
  void wake_all();
  [[nodiscard]] bool pointless() const;
  [[nodiscard]] bool all_settled() const;
  [[nodiscard]] bool all_finished() const;
  [[nodiscard]] Progress count() const;
  [[nodiscard]] Outcome gather() const;

  const Settings& settings_;
  const int interrupt_fd_;
  Observer& observer_;
  base::EventFd leader_;
  Window window_;
  std::vector<std::unique_ptr<Crew>> crews_;
  bool interrupted_ = false;
  base::Time began_ = base::Clock::now();
  base::Time reported_ = began_;
  std::uint64_t reported_done_ = 0;
  std::int64_t held_ = 0;
  std::int64_t left_ = 0;  // connections that stand at the end
};

base::Result<void> Run::begin() {
  for (std::uint32_t thread = 0; thread < settings_.threads; ++thread) {
    Crew& crew = *crews_.emplace_back(std::make_unique<Crew>());
    crew.model = make_model(crew.loop, settings_, Share{thread, settings_.threads}, window_, leader_);
    const auto begun = crew.model->begin();
    if (!begun) return begun;
  }
  for (const auto& crew : crews_) {
    crew->thread = std::thread([this, &crew = *crew] {
      crew.loop.run([&crew] { crew.model->on_turn(); });
      crew.finished.store(true, std::memory_order_release);
      leader_.wake();
    });
  }
  return {};
}

Run::~Run() {
  for (const auto& crew : crews_) {
    crew->loop.stop();
    if (crew->thread.joinable()) crew->thread.join();
  }
}

Outcome Run::lead() {
  wait_until(base::Time::max(), [this] { return all_settled(); });
  held_ = count().open;
  observer_.on_settled(held_);
  open_window();
  wait_until(window_.until(), [this] { return all_finished() || pointless(); });
  close_window();
  return gather();
}

void Run::open_window() {
  const base::Time now = base::Clock::now();
  window_.open(now, settings_.warmup, settings_.duration);
  if (interrupted_ || pointless()) window_.close(now);
  wake_all();
}

void Run::close_window() {
  window_.close(base::Clock::now());
  left_ = count().open;
  while (!all_finished()) {
    wake_all();
    sleep(milliseconds{20});
  }
}

template <typename Done>
void Run::wait_until(base::Time deadline, Done&& done) {
  while (!done() && !interrupted_) {
    const base::Time now = base::Clock::now();
    if (now >= deadline) return;
    if (now >= reported_ + seconds{1}) report_progress(now);
    sleep(std::min(deadline, reported_ + seconds{1}) - now);
  }
}

void Run::sleep(base::Duration patience) {
  pollfd watched[] = {{leader_.fd(), POLLIN, 0}, {interrupted_ ? -1 : interrupt_fd_, POLLIN, 0}};
  const auto wait = std::max(std::chrono::ceil<milliseconds>(patience), milliseconds{0});
  if (::poll(watched, 2, static_cast<int>(wait.count())) <= 0) return;
  if (watched[0].revents != 0) leader_.clear();
  if (watched[1].revents != 0) interrupted_ = true;
}

void Run::report_progress(base::Time now) {
  Progress progress = count();
  const std::uint64_t done = progress.done;
  progress.done -= reported_done_;
  progress.done_in = now - reported_;
  progress.elapsed = now - began_;
  observer_.on_progress(progress);
  reported_ = now;
  reported_done_ = done;
}

void Run::wake_all() {
  for (const auto& crew : crews_) crew->loop.wake();
}

// No connection is left, and this kind of traffic makes no new ones.
bool Run::pointless() const { return settings_.traffic != Traffic::connect && count().open == 0; }

bool Run::all_settled() const {
  return std::ranges::all_of(crews_, [](const auto& crew) { return crew->model->settled(); });
}

bool Run::all_finished() const {
  return std::ranges::all_of(crews_, [](const auto& crew) { return crew->finished.load(std::memory_order_acquire); });
}

Progress Run::count() const {
  Progress progress;
  for (const auto& crew : crews_) {
    const Tally& tally = crew->model->tally();
    progress.opened += tally.opened.value();
    progress.open += tally.open.value();
    progress.done += tally.progress.value();
    for (const base::Counter& failure : tally.failures) progress.failed += failure.value();
  }
  return progress;
}

// After all threads have finished.
Outcome Run::gather() const {
  Outcome outcome;
  outcome.measured = std::max(window_.until() - window_.from(), base::Duration::zero());
  outcome.from = window_.from();
  outcome.held = held_;
  outcome.lost = held_ - left_;
  for (const auto& crew : crews_) {
    const Tally& tally = crew->model->tally();
    outcome.opened += tally.opened.value();
    outcome.operations += tally.operations.value();
    outcome.bytes += tally.bytes.value();
    for (std::size_t i = 0; i < kFailures; ++i) outcome.failures[i] += tally.failures[i].value();
    outcome.latency.merge(tally.latency);
  }
  return outcome;
}

}  // namespace

std::uint64_t Outcome::failed() const noexcept {
  return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
}

double Outcome::per_second(std::uint64_t count) const noexcept {
  const double length = std::chrono::duration<double>(measured).count();
  return length > 0 ? static_cast<double>(count) / length : 0;
}

base::Result<Outcome> run(const Settings& settings, int interrupt_fd, Observer& observer) {
  const auto reached = probe(settings.target, std::chrono::ceil<milliseconds>(settings.timeout));
  if (!reached) return reached.error();
  Run one(settings, interrupt_fd, observer);
  const auto begun = one.begin();
  if (!begun) return begun.error();
  return one.lead();
}

}  // namespace holdfast::load
