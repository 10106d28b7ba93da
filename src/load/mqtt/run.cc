#include "load/mqtt/run.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "load/dial_from.h"
#include "load/mqtt/connecting.h"
#include "load/mqtt/holding.h"
#include "load/mqtt/messaging.h"

namespace holdfast::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kStep{20};  // how often it looks where the run is

std::unique_ptr<MqttModel> make_mqtt_model(net::Loop& loop, const MqttSettings& settings, const Window& window) {
  switch (settings.traffic) {
    case MqttTraffic::connect: return std::make_unique<MqttConnecting>(loop, settings, window);
    case MqttTraffic::hold: return std::make_unique<MqttHolding>(loop, settings, window);
    default: return std::make_unique<MqttMessaging>(loop, settings, window);
  }
}

class Run final : public net::Loop::Source {
 public:
  Run(const MqttSettings& settings, int interrupt_fd, Observer& observer)
      : settings_(settings),
        interrupt_fd_(interrupt_fd),
        observer_(observer),
        source_(loop_.add_source(*this)),
        model_(make_mqtt_model(loop_, settings, window_)) {}

  [[nodiscard]] base::Result<MqttOutcome> go();

 private:
  enum class Phase : std::uint8_t { settling, sending, draining };
  static constexpr std::uint8_t kStepPart = 0;
  static constexpr std::uint8_t kInterruptPart = 1;

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token) override {}

  void step();
  void begin_sending(base::Time now);
  void begin_draining(base::Time now);
  [[nodiscard]] bool drain_is_over(base::Time now);
  void end();
  void report_progress(base::Time now);

  const MqttSettings& settings_;
  const int interrupt_fd_;
  Observer& observer_;
  net::Loop loop_;
  Window window_;
  Pacer stepper_;
  const std::uint8_t source_;
  std::unique_ptr<MqttModel> model_;
  MqttOutcome outcome_;
  Phase phase_ = Phase::settling;
  bool interrupted_ = false;
  base::Time began_ = base::Clock::now();
  base::Time draining_since_;
  base::Time reported_ = began_;
  std::uint64_t reported_done_ = 0;
};

base::Result<MqttOutcome> Run::go() {
  const auto stepping = stepper_.watch(loop_, net::Token{source_, kStepPart, {}});
  if (!stepping) return stepping.error();
  if (interrupt_fd_ >= 0) {
    const auto watched = loop_.watch(interrupt_fd_, net::Token{source_, kInterruptPart, {}});
    if (!watched) return watched.error();
  }
  const auto begun = model_->begin();
  if (!begun) return begun.error();
  stepper_.arm(base::Clock::now());
  loop_.run([] {});
  return std::move(outcome_);
}

void Run::on_ready(net::Token token, net::Ready) {
  if (token.part == kInterruptPart) interrupted_ = true;
  step();
  stepper_.arm(base::Clock::now() + kStep);
}

void Run::step() {
  const base::Time now = base::Clock::now();
  if (now >= reported_ + seconds{1}) report_progress(now);
  if (phase_ != Phase::draining) model_->tend();
  if (phase_ == Phase::settling && (model_->settled() || interrupted_)) begin_sending(now);
  if (phase_ == Phase::sending && (window_.over(now) || interrupted_ || model_->done())) begin_draining(now);
  if (phase_ == Phase::draining && drain_is_over(now)) end();
}

void Run::begin_sending(base::Time now) {
  phase_ = Phase::sending;
  outcome_.held = model_->tally().open;
  observer_.on_settled(outcome_.held);
  window_.open(now, settings_.warmup, settings_.duration);
  if (!interrupted_) model_->start();
}

void Run::begin_draining(base::Time now) {
  phase_ = Phase::draining;
  window_.close(now);
  draining_since_ = now;
  outcome_.gone = outcome_.held - model_->tally().open;
}

bool Run::drain_is_over(base::Time now) {
  return model_->drained() || now >= std::max(draining_since_, model_->last_arrival()) + settings_.drain ||
         now >= draining_since_ + kMqttDrainMax;
}

void Run::end() {
  model_->finish();
  outcome_.from = window_.from();
  outcome_.measured = std::max(window_.until() - window_.from(), base::Duration::zero());
  outcome_.tally = model_->tally();
  loop_.stop();
}

void Run::report_progress(base::Time now) {
  const MqttTally& tally = model_->tally();
  Progress progress;
  progress.elapsed = now - began_;
  progress.opened = tally.opened;
  progress.open = tally.open;
  progress.done = tally.progress - reported_done_;
  progress.done_in = now - reported_;
  progress.failed = std::accumulate(tally.failures.begin(), tally.failures.end(), std::uint64_t{0});
  observer_.on_progress(progress);
  reported_ = now;
  reported_done_ = tally.progress;
}

}  // namespace

std::uint64_t MqttOutcome::failed() const noexcept {
  return std::accumulate(tally.failures.begin(), tally.failures.end(), std::uint64_t{0});
}

double MqttOutcome::per_second() const noexcept {
  const double length = std::chrono::duration<double>(measured).count();
  return length > 0 ? static_cast<double>(tally.operations) / length : 0;
}

bool MqttOutcome::promises_kept(wire::mqtt::Qos qos) const noexcept {
  const bool lost = tally.lost > 0 && qos != wire::mqtt::Qos::at_most_once;
  const bool duplicated = tally.duplicated > 0 && qos != wire::mqtt::Qos::at_least_once;
  return !lost && !duplicated && tally.disordered == 0;
}

base::Result<MqttOutcome> run_mqtt(const MqttSettings& settings, int interrupt_fd, Observer& observer) {
  const auto reached = probe(settings.target, std::chrono::ceil<milliseconds>(settings.timeout));
  if (!reached) return reached.error();
  return Run(settings, interrupt_fd, observer).go();
}

}  // namespace holdfast::load
