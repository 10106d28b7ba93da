#include "node/reload.h"

#include <algorithm>
#include <boost/json.hpp>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "config/difference.h"
#include "config/parse.h"
#include "node/reload_effects.h"

namespace holdfast::app {

using admin::Outcome;
using admin::Refusal;
using admin::ReloadOrder;
using admin::ReloadReport;

namespace {

std::string faulty(const std::string& file, std::size_t faults) {
  return file + (faults == 1 ? " has a fault" : " has " + std::to_string(faults) + " faults") + "; nothing has changed";
}

// One sentence of it, for the status: why, and not only that.
std::string in_short(const Refusal& refusal) {
  if (refusal.faults.empty()) return refusal.detail;
  const std::size_t others = refusal.faults.size() - 1;
  return to_text(refusal.faults.front()) + (others > 0 ? " (and " + std::to_string(others) + " more)" : "");
}

// The first few of them: there may be thousands.
std::string in_short(const std::vector<admin::ReloadChange>& changes) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (const admin::ReloadChange& each : changes | std::views::take(kShown)) {
    text += text.empty() ? "" : "; ";
    text += each.key.empty()    ? each.what + " " + each.change
            : each.what.empty() ? each.key
                                : each.what + ": " + each.key;
  }
  return base::to_utf8(text) +
         (changes.size() > kShown ? "; and " + std::to_string(changes.size() - kShown) + " more" : "");
}

}  // namespace

admin::RuntimeDifference difference_of(const gateway::RuntimeChange& change) {
  return {"pool " + change.pool + ", server " + change.server + ": " + change.what, change.file, change.now};
}

config::Settings with_workers_counted(config::Settings settings) {
  if (settings.node.workers == 0) settings.node.workers = std::max(1U, std::thread::hardware_concurrency());
  return settings;
}

Reload::Reload(std::string file, config::Settings settings, gateway::Gateway& gateway, control::Events& events,
               std::function<void(const config::Settings&)> apply_rest,
               std::function<void(gateway::RuntimeChanges)> on_applied)
    : settings_(with_workers_counted(std::move(settings))),
      gateway_(gateway),
      events_(events),
      apply_rest_(std::move(apply_rest)),
      on_applied_(std::move(on_applied)),
      info_{.file = std::move(file), .loaded_at = std::chrono::system_clock::now(), .last_error = {}} {}

Outcome<ReloadReport> Reload::operator()(ReloadOrder order) {
  const base::Time begun = base::Clock::now();
  Outcome<ReloadReport> outcome = attempt(order);
  if (Refusal* refusal = std::get_if<Refusal>(&outcome)) {
    return order.run == ReloadOrder::Run::dry ? std::move(*refusal) : failed(std::move(*refusal));
  }
  ReloadReport& report = std::get<ReloadReport>(outcome);
  report.took_seconds = std::chrono::duration<double>(base::Clock::now() - begun).count();
  if (order.run == ReloadOrder::Run::apply) applied(report);
  return outcome;
}

void Reload::applied(const ReloadReport& report) {
  base::log_info("reloaded", {{"changes", static_cast<std::int64_t>(report.changes.size())},
                              {"took_ms", static_cast<std::int64_t>(report.took_seconds * 1000)}});
  events_.publish("reload", {{"file", base::to_utf8(info_.file)},
                             {"changes", report.changes.size()},
                             {"what", in_short(report.changes)},
                             {"took_seconds", report.took_seconds}});
}

Refusal Reload::failed(Refusal refusal) {
  ++info_.reloads_refused_total;
  info_.last_error = in_short(refusal);
  base::log_error("reload failed: nothing has changed", {{"error", in_short(refusal)}});
  for (const config::Fault& fault : refusal.faults) base::log_error(to_text(fault));
  events_.publish("reload_failed", {{"file", base::to_utf8(info_.file)},
                                    {"why", base::to_utf8(in_short(refusal))},
                                    {"faults", refusal.faults.size()}});
  return refusal;
}

Outcome<ReloadReport> Reload::attempt(ReloadOrder order) {
  if (info_.file.empty()) return Refusal{Refusal::Why::conflict, "this process has no configuration file"};
  config::Parsed parsed = config::parse_file(info_.file);
  if (!parsed.settings) {
    return Refusal{Refusal::Why::invalid, faulty(info_.file, parsed.faults.size()), std::move(parsed.faults)};
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
  const bool keep = order.runtime == ReloadOrder::Runtime::keep;
  const auto runtime = keep ? gateway::RuntimeChanges::keep : gateway::RuntimeChanges::drop;
  auto prepared = gateway_.prepare(wanted, runtime);
  if (order.run == ReloadOrder::Run::dry) return;
  apply_rest_(wanted);
  gateway_.apply(std::move(prepared));
  on_applied_(runtime);
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
