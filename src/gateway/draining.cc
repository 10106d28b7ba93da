// Draining a listener or the whole node, and taking it back.
#include <algorithm>
#include <utility>

#include "gateway/gateway.h"

namespace holdfast::gateway {
namespace {

constexpr std::chrono::milliseconds kDrainLook{20};

}  // namespace

bool Gateway::drain_listener(const std::string& name, const DrainOrder& order) {
  KnownListener* known = listeners_.find(name);
  if (known == nullptr) return false;
  ++changes_;
  known->listening.stop();
  if (known->state == KnownListener::State::accepting) known->state = KnownListener::State::draining;
  known->drain.emplace(order, base::Clock::now(), known->ended());
  make_rules(*known);
  publish();
  return true;
}

bool Gateway::ready_listener(const std::string& name) {
  KnownListener* known = listeners_.find(name);
  if (known == nullptr) return false;
  if (known->state == KnownListener::State::draining && !drain_) {
    known->listening.adopt(plan_binds(known->settings), known->number, entry::tcp_options(known->settings));
  }
  ++changes_;
  if (known->state == KnownListener::State::draining) known->state = KnownListener::State::accepting;
  known->drain.reset();
  make_rules(*known);
  publish();
  return true;
}

void Gateway::drain(const DrainOrder& order, std::function<void(std::uint64_t)> on_drained) {
  ++changes_;
  on_drained_ = std::move(on_drained);
  drain_.emplace(order, base::Clock::now(), ended());
  listeners_.for_each([this](KnownListener& listener) {
    listener.listening.stop();
    make_rules(listener);
  });
  publish();
  if (!started_) {
    stopping_ = true;
    return on_drained_(0);
  }
  drain_ticker_ = std::make_unique<control::Ticker>(runtime_, kDrainLook, [this] { check_drained(); });
}

void Gateway::check_drained() {
  bool accepting = false;
  listeners_.for_each([&accepting](KnownListener& listener) { accepting |= listener.listening.is_closing(); });
  const std::uint64_t live = connections();
  const bool late = drain_->is_late(base::Clock::now());
  if (!late && (accepting || live > 0)) return;
  if (live > 0) {
    for (const auto& worker : workers_) worker->command(Worker::Command::end_all);
  }
  const auto on_drained = on_drained_;
  drain_ticker_.reset();
  on_drained(live);
}

void Gateway::resume() {
  if (!drain_) return;
  Prepared plan(settings_, RuntimeChanges::keep, descriptors_);
  plan_listeners(plan);
  drain_.reset();
  drain_ticker_.reset();
  on_drained_ = nullptr;
  commit(plan);
}

std::uint64_t Gateway::ended() const {
  std::uint64_t sum = ended_by_gone_;
  listeners_.for_each([&sum](const KnownListener& listener) { sum += listener.ended(); });
  return sum;
}

// True when one closes otherwise than before: its deadline is over.
bool Gateway::take_closings() {
  bool any = false;
  listeners_.for_each([&](KnownListener& listener) {
    if (closing_of(listener) == listener.rules->closing) return;
    make_rules(listener);
    any = true;
  });
  return any;
}

// True when a listener that was removed is gone for good.
bool Gateway::close_left() {
  std::vector<KnownListener*> gone;
  listeners_.for_each([&gone](KnownListener& listener) {
    if (listener.state != KnownListener::State::leaving) return;
    if (!listener.listening.is_closing() && listener.admission->connections() == 0) gone.push_back(&listener);
  });
  for (KnownListener* listener : gone) {
    ended_by_gone_ += listener->ended();
    listeners_.close(*listener, base::Clock::now());
  }
  return !gone.empty();
}

}  // namespace holdfast::gateway
