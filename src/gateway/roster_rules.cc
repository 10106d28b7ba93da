#include "gateway/roster_rules.h"

namespace holdfast::gateway {
namespace {

base::Duration or_else(config::Duration duration, config::Duration otherwise) {
  return duration.count() > 0 ? duration : otherwise;
}

}  // namespace

policy::HealthRules health_rules(const config::Health& health) {
  return {.rise = health.rise,
          .fall = health.fall,
          .interval = health.interval,
          .fast_interval = or_else(health.fast_interval, health.interval),
          .down_interval = or_else(health.down_interval, health.interval),
          .jitter_percent = static_cast<std::uint32_t>(health.jitter * 100)};
}

// Servers that fail together go down within one interval of each other: probes are spread over it.
policy::PanicRules panic_rules(const config::Pool& pool) {
  if (!pool.health) return {0, {}};
  const config::Health& health = *pool.health;
  const auto longest = std::chrono::duration_cast<base::Duration>(health.interval * (1 + health.jitter));
  return {health.panic_threshold, longest + or_else(health.fast_interval, health.interval)};
}

policy::OutlierRules outlier_rules(const config::Pool& pool) {
  if (!pool.passive) return {.errors = 0};
  const config::Passive& passive = *pool.passive;
  return {passive.errors, passive.window, passive.eject, passive.eject_max, passive.eject_share};
}

bool has_agent(const config::Pool& pool) {
  return pool.health && (pool.health->type == config::HealthType::agent || pool.health->agent_port != 0);
}

}  // namespace holdfast::gateway
