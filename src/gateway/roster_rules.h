// gateway/roster_rules.h: the settings of a pool as the judges of its servers take them.
//
// Thread: pure.
#pragma once

#include "config/settings.h"
#include "policy/health_judge.h"
#include "policy/outlier_judge.h"
#include "policy/panic.h"

namespace holdfast::gateway {

[[nodiscard]] policy::HealthRules health_rules(const config::Health& health);
// Without checks nobody panics.
[[nodiscard]] policy::PanicRules panic_rules(const config::Pool& pool);
// Without [pool.passive] nobody is ejected.
[[nodiscard]] policy::OutlierRules outlier_rules(const config::Pool& pool);
// Whether agents say something of the servers: as the check itself, or beside it.
[[nodiscard]] bool has_agent(const config::Pool& pool);

}  // namespace holdfast::gateway
