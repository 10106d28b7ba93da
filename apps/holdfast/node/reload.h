// apps/holdfast/node/reload.h: a changed file, applied to the process that runs: all of it or nothing.
//
// Thread: control, which it keeps for as long as it takes to read the file: 2,000 servers are some milliseconds.
// Order:  read and check the file; compare; bind what is new (everything that can fail); apply. docs/decisions/0006.
#pragma once

#include <functional>
#include <string>

#include "admin/faces.h"
#include "config/settings.h"
#include "control/events.h"
#include "gateway/gateway.h"

namespace holdfast::app {

// What a command has changed, for people.
[[nodiscard]] admin::RuntimeDifference difference_of(const gateway::RuntimeChange& change);

// With what `workers = 0` stands for on this machine in its place, so that it can be compared.
[[nodiscard]] config::Settings with_workers_counted(config::Settings settings);

class Reload {
 public:
  // `settings` are those that `file` had when the process began. `apply_rest` is told of settings that are about to be
  // applied, for everything but the gateway; it throws std::runtime_error when they cannot be, and nothing is applied.
  // `on_applied` is told when all is done. What became of each reload is published in `events`: "reload", or
  // "reload_failed".
  Reload(std::string file, config::Settings settings, gateway::Gateway& gateway, control::Events& events,
         std::function<void(const config::Settings&)> apply_rest,
         std::function<void(gateway::RuntimeChanges)> on_applied);

  [[nodiscard]] admin::Outcome<admin::ReloadReport> operator()(admin::ReloadOrder order);

  // What runs, but for what commands have changed.
  [[nodiscard]] const config::Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const admin::ConfigInfo& info() const noexcept { return info_; }

 private:
  [[nodiscard]] admin::Outcome<admin::ReloadReport> attempt(admin::ReloadOrder order);
  void apply(config::Settings wanted, admin::ReloadOrder order);
  void applied(const admin::ReloadReport& report);
  [[nodiscard]] admin::Refusal failed(admin::Refusal refusal);
  [[nodiscard]] std::vector<admin::RuntimeFate> runtime_fates(admin::ReloadOrder order) const;

  config::Settings settings_;
  gateway::Gateway& gateway_;
  control::Events& events_;
  std::function<void(const config::Settings&)> apply_rest_;
  std::function<void(gateway::RuntimeChanges)> on_applied_;
  admin::ConfigInfo info_;
};

}  // namespace holdfast::app
