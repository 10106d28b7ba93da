#include "policy/health_judge.h"

#include <algorithm>

namespace holdfast::policy {
namespace {

HealthRules usable(HealthRules rules) {
  rules.rise = std::max(rules.rise, 1U);
  rules.fall = std::max(rules.fall, 1U);
  return rules;
}

std::string cut(std::string_view cause) { return std::string(cause.substr(0, HealthJudge::kCauseBytesMax)); }

}  // namespace

HealthJudge::HealthJudge(const HealthRules& rules, Start start, base::Time now)
    : rules_(usable(rules)), health_(start == Start::down ? Health::down : Health::up), since_(now) {
  if (start == Start::up_on_trial) against_ = rules_.fall - 1;
}

HealthJudge::Verdict HealthJudge::on_result(Probe result, base::Time now, std::string_view cause) {
  last_result_ = cut(cause);
  const bool agrees = (result == Probe::passed) == (health_ == Health::up);
  if (agrees && is_settled()) return Verdict::same;
  cause_ = last_result_;
  if (agrees) {
    against_ = 0;
    return Verdict::same;
  }
  ++against_;
  const std::uint32_t enough = health_ == Health::up ? rules_.fall : rules_.rise;
  return against_ < enough ? Verdict::same : become(result == Probe::passed ? Health::up : Health::down, now);
}

HealthJudge::Verdict HealthJudge::force(Health health, base::Time now, std::string_view cause) {
  cause_ = cut(cause);
  against_ = 0;
  return health == health_ ? Verdict::same : become(health, now);
}

HealthJudge::Verdict HealthJudge::become(Health health, base::Time now) {
  health_ = health;
  against_ = 0;
  since_ = now;
  return health == Health::up ? Verdict::went_up : Verdict::went_down;
}

void HealthJudge::set_rules(const HealthRules& rules) {
  rules_ = usable(rules);
  against_ = std::min(against_, (health_ == Health::up ? rules_.fall : rules_.rise) - 1);
}

std::string HealthJudge::text() const {
  const std::string word = health_ == Health::up ? "UP" : "DOWN";
  if (is_settled()) return word;
  if (health_ == Health::up)
    return word + " " + std::to_string(rules_.fall - against_) + "/" + std::to_string(rules_.fall);
  return word + " " + std::to_string(against_) + "/" + std::to_string(rules_.rise);
}

base::Duration HealthJudge::next_delay(base::Random& random) const noexcept {
  base::Duration delay = rules_.interval;
  if (!is_settled()) {
    delay = rules_.fast_interval;
  } else if (health_ == Health::down) {
    delay = rules_.down_interval;
  }
  constexpr std::uint32_t kSteps = 1U << 20;
  const double from_minus_1_to_1 = 2.0 * random.below(kSteps + 1) / kSteps - 1.0;
  const double jitter = std::min(rules_.jitter_percent, 99U) / 100.0;
  return std::chrono::duration_cast<base::Duration>(delay * (1.0 + jitter * from_minus_1_to_1));
}

}  // namespace holdfast::policy
