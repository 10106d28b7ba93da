#include "node/drains.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace holdfast::app {
namespace {

gateway::DrainOrder order_of(const admin::DrainRequest& request) { return {request.rate, request.deadline}; }

std::string text_of(const admin::DrainRequest& request) {
  std::string text = request.rate ? base::to_text(*request.rate) : "as they end";
  if (request.deadline) text += ", at once after " + base::to_text(*request.deadline);
  return text;
}

}  // namespace

Drains::Drains(control::Runtime& runtime, gateway::Gateway& gateway) : runtime_(runtime), gateway_(gateway) {}

void Drains::after(Waiting& waiting, config::Duration wait, std::function<void()> then) {
  waiting.until = base::Clock::now() + wait;
  if (wait.count() == 0) return then();
  waiting.timer =
      std::make_unique<control::Ticker>(runtime_, config::milliseconds(wait), [&waiting, then = std::move(then)] {
        const auto timer = std::move(waiting.timer);
        then();
      });
}

// Whoever stands in front may have noticed already.
config::Duration Drains::left_of(config::Duration wait) const {
  if (!node_) return wait;
  if (!node_->timer) return config::Duration::zero();
  const auto left = std::chrono::duration_cast<config::Duration>(node_->until - base::Clock::now());
  return std::clamp(left, config::Duration::zero(), wait);
}

void Drains::begin(const admin::DrainRequest& order, config::Duration wait) {
  const config::Duration left = left_of(wait);
  base::log_info("the node drains: not ready from now on",
                 {{"accepts_for", base::to_text(left)},
                  {"closes", text_of(order)},
                  {"connections", static_cast<std::int64_t>(gateway_.connections())}});
  node_.emplace().order = order;
  after(*node_, left, [this, order] { gateway_.drain(order_of(order), [this](std::uint64_t cut) { drained(cut); }); });
}

void Drains::stop(const admin::DrainRequest& order, config::Duration wait,
                  std::function<void(std::uint64_t)> on_drained) {
  on_drained_ = std::move(on_drained);
  begin(order, wait);
}

void Drains::drained(std::uint64_t cut) {
  node_->drained = true;
  base::log_info("the node is drained", {{"connections_left", static_cast<std::int64_t>(cut)}});
  if (on_drained_) on_drained_(cut);
}

void Drains::end() {
  if (!node_ || stopping()) return;
  const bool waits = node_->timer != nullptr;
  if (!waits) gateway_.resume();
  node_.reset();
  base::log_info("the node accepts connections again");
}

std::optional<admin::NodeDrain> Drains::status() const {
  if (!node_) return std::nullopt;
  admin::NodeDrain status;
  if (node_->timer) {
    const auto left = std::chrono::duration<double>(node_->until - base::Clock::now());
    status.wait_seconds_left = std::max(0.0, left.count());
  }
  status.progress = not_begun(*node_, gateway_.connections());
  if (const auto begun = gateway_.status().draining) status.progress = *begun;
  return status;
}

// The deadline counts from the end of accepting.
gateway::DrainStatus Drains::not_begun(const Waiting& waiting, std::uint64_t connections) {
  gateway::DrainStatus status;
  if (waiting.order.rate) status.rate = waiting.order.rate->per_second;
  if (waiting.order.deadline)
    status.deadline_seconds_left = std::chrono::duration<double>(*waiting.order.deadline).count();
  status.remaining = connections;
  return status;
}

gateway::Status Drains::seen() const {
  gateway::Status status = gateway_.status();
  for (gateway::ListenerStatus& listener : status.listeners) {
    const auto waiting = listeners_.find(listener.name);
    if (waiting == listeners_.end() || !waiting->second.timer) continue;
    listener.state = "draining";
    listener.draining = not_begun(waiting->second, listener.connections);
  }
  return status;
}

bool Drains::begin_listener(const std::string& name, const admin::DrainRequest& order, config::Duration wait) {
  if (!gateway_.has_listener(name)) return false;
  base::log_info("a listener drains",
                 {{"listener", name}, {"accepts_for", base::to_text(wait)}, {"closes", text_of(order)}});
  listeners_.erase(name);  // a new order takes the place of the old one
  listeners_[name].order = order;
  after(listeners_[name], wait, [this, name, order] { (void)gateway_.drain_listener(name, order_of(order)); });
  return true;
}

bool Drains::end_listener(const std::string& name) {
  if (!gateway_.ready_listener(name)) return false;
  if (listeners_.erase(name) > 0) base::log_info("a listener accepts connections again", {{"listener", name}});
  return true;
}

std::vector<std::string> Drains::draining_listeners() const {
  using State = gateway::KnownListener::State;
  std::vector<std::string> names;
  for (const auto& [name, waiting] : listeners_) {
    const std::optional<State> state = gateway_.state_of(name);
    const bool is_about_to = state == State::accepting && waiting.timer;
    if (is_about_to || state == State::draining) names.push_back(name);
  }
  return names;
}

void Drains::reloaded(gateway::RuntimeChanges runtime) {
  std::erase_if(listeners_, [&](const auto& each) {
    return runtime == gateway::RuntimeChanges::drop || !gateway_.state_of(each.first);
  });
}

}  // namespace holdfast::app
