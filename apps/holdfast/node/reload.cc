#include "node/reload.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/log.h"
#include "config/difference.h"
#include "config/parse.h"
#include "node/reload_effects.h"

namespace holdfast::app {

using admin::Outcome;
using admin::Refusal;
using admin::ReloadOrder;
using admin::ReloadReport;

admin::RuntimeDifference difference_of(const gateway::RuntimeChange& change) {
  return {"pool " + change.pool + ", server " + change.server + ": " + change.what, change.file, change.now};
}

config::Settings with_workers_counted(config::Settings settings) {
  if (settings.node.workers == 0) settings.node.workers = std::max(1U, std::thread::hardware_concurrency());
  return settings;
}

Reload::Reload(std::string file, config::Settings settings, gateway::Gateway& gateway,
               std::function<void(const config::Settings&)> apply_rest)
    : settings_(with_workers_counted(std::move(settings))),
      gateway_(gateway),
      apply_rest_(std::move(apply_rest)),
      info_{.file = std::move(file), .loaded_at = std::chrono::system_clock::now(), .last_error = {}} {}

Outcome<ReloadReport> Reload::operator()(ReloadOrder order) {
  const base::Time begun = base::Clock::now();
  Outcome<ReloadReport> outcome = attempt(order);
  if (Refusal* refusal = std::get_if<Refusal>(&outcome)) {
    return order.run == ReloadOrder::Run::dry ? std::move(*refusal) : failed(std::move(*refusal));
  }
  ReloadReport& report = std::get<ReloadReport>(outcome);
  report.took_seconds = std::chrono::duration<double>(base::Clock::now() - begun).count();
  if (order.run == ReloadOrder::Run::apply) {
    base::log_info("reloaded", {{"changes", static_cast<std::int64_t>(report.changes.size())},
                                {"took_ms", static_cast<std::int64_t>(report.took_seconds * 1000)}});
  }
  return outcome;
}

Refusal Reload::failed(Refusal refusal) {
  ++info_.reloads_refused_total;
  info_.last_error = refusal.detail;
  base::log_error("reload failed: nothing has changed", {{"error", refusal.detail}});
  for (const config::Fault& fault : refusal.faults) base::log_error(to_text(fault));
  return refusal;
}

Outcome<ReloadReport> Reload::attempt(ReloadOrder order) {
  if (info_.file.empty()) return Refusal{Refusal::Why::conflict, "this process has no configuration file"};
  config::Parsed parsed = config::parse_file(info_.file);
  if (!parsed.settings) {
    return Refusal{Refusal::Why::invalid, info_.file + " has faults: " + to_text(parsed.faults.front()),
                   std::move(parsed.faults)};
  }
  config::Settings wanted = with_workers_counted(std::move(*parsed.settings));
  const auto changes = config::difference(settings_, wanted);
  ReloadReport report{
      .took_seconds = 0, .changes = effects(changes, settings_, gateway_.status()), .runtime = runtime_fates(order)};
  try {
    apply(config::without_restart(settings_, std::move(wanted)), order);
  } catch (const std::runtime_error& error) {
    return Refusal{Refusal::Why::failed, error.what()};
  }
  return report;
}

// A dry run prepares as well: what cannot be bound is found out.
void Reload::apply(config::Settings wanted, ReloadOrder order) {
  auto prepared = gateway_.prepare(wanted);
  if (order.run == ReloadOrder::Run::dry) return;
  apply_rest_(wanted);
  const bool keep = order.runtime == ReloadOrder::Runtime::keep;
  gateway_.apply(std::move(prepared), keep ? gateway::RuntimeChanges::keep : gateway::RuntimeChanges::drop);
  settings_ = std::move(wanted);
  info_.loaded_at = std::chrono::system_clock::now();
  info_.last_error.reset();
  ++info_.reloads_total;
}

std::vector<admin::RuntimeFate> Reload::runtime_fates(ReloadOrder order) const {
  std::vector<admin::RuntimeFate> fates;
  for (const gateway::RuntimeChange& change : gateway_.directory().runtime_changes()) {
    fates.push_back({difference_of(change), order.runtime == ReloadOrder::Runtime::keep});
  }
  return fates;
}

}  // namespace holdfast::app
