#include "admin/alarm_judge.h"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::admin {
namespace {

constexpr std::chrono::seconds kAtOnce{0};
constexpr std::uint64_t kDescriptorsAConnection = 2;

// For all the connections that the process may have: more than it can have descriptors for, unless it is told a limit.
std::uint64_t descriptors_wanted(const gateway::Status& status, std::uint64_t free) {
  std::uint64_t connections = 0;
  for (const gateway::ListenerStatus& listener : status.listeners) connections += listener.connections;
  return std::min(status.max_connections * kDescriptorsAConnection, free + connections * kDescriptorsAConnection);
}

std::string text_of(const gateway::DiscoveryStatus& discovery) {
  return discovery.error.empty() ? discovery.alarm : discovery.alarm + ": " + discovery.error;
}

}  // namespace

std::vector<AlarmChange> AlarmJudge::look(const Sight& now, base::Time at) {
  at_ = at;
  counters_before_ = std::exchange(counters_, {});
  for (auto& [key, judged] : cases_) judged.seen = false;
  for (const gateway::PoolStatus& pool : now.gateway.pools) {
    look_at(pool);
    for (const gateway::ServerStatus& server : pool.servers) look_at(server, now.gateway.local_ports);
  }
  look_at_descriptors(now.gateway);
  look_at_counter("log_dropping", "log", now.log_lines_dropped, "lines of the log were dropped");
  look_at_counter("log_dropping", "connections", now.gateway.notices_dropped,
                  "lines about connections did not fit the mailbox of the workers");
  look_at_counter("events_lost", "", now.events_lost, "events were lost by listeners of /v1/events");
  clear_unseen();
  return std::exchange(changes_, {});
}

void AlarmJudge::look_at(const gateway::PoolStatus& pool) {
  judge("pool_in_panic", pool.name, {kAtOnce, kQuiet},
        pool.panic
            ? Finding{Mood::bad, "too many checks fail at once: they are doubted, the last good servers serve on"}
            : Finding{});
  const bool none = std::ranges::none_of(pool.servers, &gateway::ServerStatus::up);
  judge("pool_without_servers", pool.name, {kPatience, kAtOnce},
        none ? Finding{Mood::bad, fmt::format("none of {} servers takes new connections", pool.servers.size())}
             : Finding{});
  if (!pool.discovery) return;
  const bool stale = pool.discovery->alarm != "none";
  judge("discovery_stale", pool.name, {kPatience, kAtOnce},
        stale ? Finding{Mood::bad, text_of(*pool.discovery)} : Finding{});
}

AlarmJudge::Finding AlarmJudge::ports(const gateway::ServerStatus& server, std::uint32_t local_ports,
                                      std::uint64_t found_none) {
  if (found_none > 0) return {Mood::bad, fmt::format("{} connects found no local port", found_none)};
  Finding finding;
  for (const gateway::SourceStatus& source : server.sources) {
    if (source.ports * 100 >= std::uint64_t{local_ports} * 95) {
      const std::string from = source.address.empty() ? "" : " from " + source.address;
      return {Mood::bad, fmt::format("{} of {} local ports are in use{}", source.ports, local_ports, from)};
    }
    if (source.ports * 100 >= std::uint64_t{local_ports} * 90) finding.mood = Mood::unsure;
  }
  return finding;
}

void AlarmJudge::look_at(const gateway::ServerStatus& server, std::uint32_t local_ports) {
  const std::string subject = server.pool + "/" + server.name;
  const std::uint64_t found_none = growth("ports " + subject, server.ports_short_total);
  if (local_ports == 0) return;  // nobody has looked yet
  judge("ports_short", subject, {kAtOnce, kQuiet}, ports(server, local_ports, found_none));
}

void AlarmJudge::look_at_descriptors(const gateway::Status& status) {
  std::uint64_t pauses = 0;
  for (const gateway::WorkerStatus& worker : status.workers) pauses += worker.accept_pauses;
  const bool paused = std::ranges::any_of(status.workers, &gateway::WorkerStatus::accept_paused) |
                      (growth("accept_pauses", pauses) > 0);
  const auto free = static_cast<std::uint64_t>(std::max<std::int64_t>(status.descriptors_free, 0));
  const std::uint64_t wanted = descriptors_wanted(status, free);
  Finding finding;
  if (free * 10 <= wanted) finding.mood = Mood::unsure;
  if (free * 20 < wanted) finding = {Mood::bad, fmt::format("{} are free for connections", free)};
  if (paused) finding = {Mood::bad, "accepting pauses: clients wait until descriptors are free"};
  judge("descriptors_short", "", {kAtOnce, kQuiet}, std::move(finding));
}

void AlarmJudge::look_at_counter(const char* name, const char* subject, std::uint64_t count, const char* what) {
  const std::uint64_t more = growth(std::string(name) + " " + subject, count);
  judge(name, subject, {kAtOnce, kQuiet}, more > 0 ? Finding{Mood::bad, fmt::format("{} {}", more, what)} : Finding{});
}

std::uint64_t AlarmJudge::growth(const std::string& counter, std::uint64_t count) {
  counters_[counter] = count;
  const auto before = counters_before_.find(counter);
  return before == counters_before_.end() || count < before->second ? 0 : count - before->second;
}

void AlarmJudge::judge(const char* name, const std::string& subject, const Rule& rule, Finding finding) {
  const auto [found, is_new] = cases_.try_emplace({name, subject});
  Case& judged = found->second;
  judged.seen = true;
  if (is_new || finding.mood != judged.mood) judged.since = at_;
  judged.mood = finding.mood;
  const base::Duration lasted = at_ - judged.since;
  const bool raise = !judged.raised && finding.mood == Mood::bad && lasted >= rule.raise_after;
  const bool clear = judged.raised && finding.mood == Mood::good && lasted >= rule.clear_after;
  if (raise || clear) turn(found->first, judged, std::move(finding.why));
}

void AlarmJudge::turn(const Key& key, Case& judged, std::string why) {
  judged.raised = !judged.raised;
  changes_.push_back({judged.raised ? AlarmChange::To::raised : AlarmChange::To::cleared, key.first, key.second,
                      judged.raised ? std::move(why) : ""});
}

void AlarmJudge::clear_unseen() {
  for (auto& [key, judged] : cases_) {
    if (!judged.seen && judged.raised) turn(key, judged, "");
  }
  std::erase_if(cases_, [](const auto& each) { return !each.second.seen; });
}

}  // namespace holdfast::admin
