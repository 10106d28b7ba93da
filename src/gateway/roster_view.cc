// What a roster makes of its servers for the workers, and for whoever asks. The rest is in roster.cc.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "gateway/roster.h"

namespace holdfast::gateway {
namespace {

policy::Kind kind_of(config::Policy policy) {
  switch (policy) {
    case config::Policy::round_robin: return policy::Kind::round_robin;
    case config::Policy::least_connections: return policy::Kind::least_connections;
    case config::Policy::random: return policy::Kind::random;
    case config::Policy::random_two: return policy::Kind::random_two;
    case config::Policy::first: return policy::Kind::first;
    case config::Policy::hash: break;
  }
  return policy::Kind::hash;
}

// What comes in a tenth of a second may come at once: rates are about seconds.
policy::AcceptRate accept_rate(base::Rate rate) {
  return policy::AcceptRate::per_second(rate.per_second, static_cast<std::uint32_t>(std::ceil(rate.per_second / 10)));
}

double seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

policy::Ramp Roster::ramp(const Member& member, base::Time now) const {
  if (!member.ramp_began) return {};
  return policy::ramp_at(now - *member.ramp_began, settings_.slow_start);
}

// What it is worth now. A server that serves is worth something, unless somebody has said otherwise.
std::uint32_t Roster::weight(const Member& member, base::Time now) const {
  if (!member.serving) return 0;
  const std::uint64_t told = std::uint64_t{member.settings.weight} * member.agent_percent / 100;
  return ramp(member, now).weight(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(told, 1, policy::kWeightMax)));
}

Closing Roster::ordered_closing(const Member& member, base::Time now) {
  const ServerOrder& order = member.order;
  if (order.mode == ServerMode::ready) return Closing::no;
  if (order.deadline && now - order.deadline_from >= *order.deadline) return Closing::at_once;
  return order.rate ? Closing::paced : Closing::no;
}

Closing Roster::closing(const Member& member, base::Time now) const {
  const Closing ordered = member.leaving ? Closing::no : ordered_closing(member, now);
  if (!member.closing_began) return ordered;
  if (member.leaving && settings_.on_remove == config::OnRemove::keep) return Closing::no;
  const bool at_once = member.leaving && settings_.on_remove == config::OnRemove::close;
  const bool late = settings_.drain_deadline.count() > 0 && now - *member.closing_began >= settings_.drain_deadline;
  return at_once || late ? Closing::at_once : std::max(ordered, Closing::paced);
}

Server Roster::server_of(const Member& member, base::Time now) const {
  const policy::Ramp slow = ramp(member, now);
  const std::uint32_t limit = member.agent_max_connections.value_or(member.settings.max_connections);
  const Closing closing = this->closing(member, now);
  const bool ordered = !member.leaving && closing != Closing::no && ordered_closing(member, now) == closing;
  const CloseReason otherwise = member.leaving ? CloseReason::server_removed : CloseReason::server_down;
  return {.slot = member.slot,
          .name = member.settings.name,
          .max_connections = limit,
          .accept_rate = accept_rate(slow.rate(member.settings.max_accept_rate)),
          .addresses = member.addresses,
          .closing = closing,
          .closing_rate = accept_rate(ordered && member.order.rate ? *member.order.rate : settings_.drain_rate),
          .closing_reason = ordered ? CloseReason::server_drained : otherwise};
}

std::shared_ptr<const Pool> Roster::build(base::Time now) {
  changed_ = false;
  auto pool = std::make_shared<Pool>();
  pool->name = settings_.name;
  pool->load = &load_;
  pool->policy = kind_of(settings_.policy);
  pool->hash_load_bound = settings_.hash_load_bound;
  pool->connect_timeout = config::milliseconds(settings_.connect_timeout);
  pool->retries = settings_.retries;
  pool->queue = settings_.queue;
  pool->queue_timeout = config::milliseconds(settings_.queue_timeout);
  pool->when_all_down = settings_.when_all_down;
  pool->proxy_protocol = settings_.proxy_protocol;
  if (settings_.passive) pool->early_close = config::milliseconds(settings_.passive->early_close);
  pool->sources.clear();
  for (const SourceIndexes::Source& source : sources_.wanted()) {
    Source& to = pool->sources.emplace_back(Source{source.index, {}});
    if (source.address) to.address = *net::SocketAddress::from(*source.address);
  }
  for (Member& member : members_) {
    if (member.ramp_began && ramp(member, now).is_done()) member.ramp_began.reset();
    pool->servers.push_back(server_of(member, now));
  }
  for (std::size_t tier = 0; tier < pool->tiers.size(); ++tier) add_to_tier(*pool, tier, now);
  return pool;
}

void Roster::add_to_tier(Pool& pool, std::size_t number, base::Time now) {
  Tier& tier = pool.tiers[number];
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    if (member.leaving || member.settings.backup != (number == 1)) continue;
    const Server& server = pool.servers[i];
    tier.members.push_back(i);
    tier.servers.push_back({weight(member, now), policy::kWholeShare, server.max_connections, server.accept_rate,
                            &slots_[member.slot].load});
    sum += tier.servers.back().weight;
  }
  const bool hashes = pool.policy == policy::Kind::hash;
  for (std::size_t i = 0; i < tier.members.size(); ++i) {
    const Member& member = members_[tier.members[i]];
    policy::Server& seen = tier.servers[i];
    const double told = std::min(1.0, member.agent_percent / 100.0);
    // The table of hash has the configured weights, so that keys stay where they are while a weight goes up and down.
    if (hashes) seen.share = static_cast<std::uint32_t>(policy::kWholeShare * told * ramp(member, now).fraction());
    if (!hashes && member.ramp_began) seen.share = policy::share_of(seen.weight, sum);
  }
  if (hashes) make_table(tier, number);
}

void Roster::make_table(Tier& tier, std::size_t number) {
  std::vector<policy::MaglevTable::Entry> entries;
  for (const std::uint32_t member : tier.members) {
    const config::Server& server = members_[member].settings;
    entries.push_back({base::hash_text(server.name), server.weight});
  }
  if (!tables_[number] || !std::ranges::equal(entries, table_entries_[number], [](const auto& a, const auto& b) {
        return a.name_hash == b.name_hash && a.weight == b.weight;
      })) {
    tables_[number] = policy::MaglevTable::build(entries, tables_[number].get());
    table_entries_[number] = std::move(entries);
  }
  tier.table = tables_[number];
}

std::vector<Roster::Asked> Roster::asked() const {
  std::vector<Asked> all;
  for (const Member& member : members_) {
    if (is_asked(member.slot) && !member.addresses.empty()) all.push_back({member.slot, member.addresses.front()});
  }
  return all;
}

bool Roster::is_asked(std::uint16_t slot) const {
  const Member* member = find(slot);
  return member != nullptr && !member->leaving && member->order.mode != ServerMode::maint;
}

std::optional<DrainStatus> Roster::draining(const Member& member, base::Time now) const {
  const bool ordered = !member.leaving && member.order.mode != ServerMode::ready;
  const Closing closing = this->closing(member, now);
  if (!ordered && closing == Closing::no) return std::nullopt;
  const ServerSlot& slot = slots_[member.slot];
  DrainStatus status;
  const std::uint64_t met = slot.connections_total.load(std::memory_order_relaxed);
  status.remaining = slot.load.connections.load(std::memory_order_relaxed);
  status.closed = met - std::min(met, member.ended_before + status.remaining);
  if (closing == Closing::paced) {
    const bool paced_by_order = ordered && member.order.rate;
    status.rate = paced_by_order ? member.order.rate->per_second : settings_.drain_rate.per_second;
  }
  const auto left = [&](base::Time since, base::Duration deadline) {
    return std::max(0.0, seconds(deadline - (now - since)));
  };
  if (ordered && member.order.deadline) {
    status.deadline_seconds_left = left(member.order.deadline_from, *member.order.deadline);
  } else if (!ordered && settings_.drain_deadline.count() > 0) {
    status.deadline_seconds_left = left(*member.closing_began, settings_.drain_deadline);
  }
  return status;
}

std::vector<SourceStatus> Roster::sources_of(const ServerSlot& slot) const {
  std::vector<SourceStatus> all;
  const auto add = [&](std::uint8_t index) {
    const SourceIndexes::Address& address = sources_.address(index);
    all.push_back({address ? address->host : "", slot.sources[index].ports.load(std::memory_order_relaxed)});
  };
  for (const SourceIndexes::Source& source : sources_.wanted()) add(source.index);
  for (std::size_t i = 0; i < sources_.count(); ++i) {
    const auto index = static_cast<std::uint8_t>(i);
    if (!sources_.is_wanted(index) && slot.sources[index].ports.load(std::memory_order_relaxed) > 0) add(index);
  }
  return all;
}

std::vector<ServerStatus> Roster::status(base::Time now) const {
  std::vector<ServerStatus> all;
  std::unordered_map<std::string_view, const config::Server*> listed;
  if (!changes_.empty()) {
    for (const config::Server& server : settings_.servers) listed.emplace(server.name, &server);
    for (const config::Server& server : discovered_) listed.emplace(server.name, &server);
  }
  for (const Member& member : members_) {
    ServerStatus& status = all.emplace_back(status_of(member, now));
    if (changes_.empty() || member.leaving) continue;
    const auto found = listed.find(member.settings.name);
    const bool is_listed = found != listed.end() && member.origin != Origin::runtime;
    status.differs = changes_.differences(member.settings.name, is_listed ? found->second : nullptr);
  }
  return all;
}

ServerStatus Roster::status_of(const Member& member, base::Time now) const {
  static constexpr const char* kOrigins[] = {"file", "runtime", "discovery"};
  const ServerSlot& slot = slots_[member.slot];
  const bool by_operator = member.order.mode != ServerMode::ready;
  const bool by_agent = member.agent_mode != ServerMode::ready;
  return {.pool = settings_.name,
          .name = member.settings.name,
          .address = member.settings.address.text(),
          .state = state_text(member),
          .cause = cause_text(member),
          .mode = name(mode(member)),
          .mode_by = by_operator ? "operator"
                     : by_agent  ? "agent"
                                 : "",
          .origin = kOrigins[static_cast<std::size_t>(member.origin)],
          .up = is_serving(member),
          .backup = member.settings.backup,
          .leaving = member.leaving,
          .held = !member.leaving && panic_.is_held(member.slot),
          .ejected = outliers_.is_ejected(member.slot),
          .state_seconds = seconds(now - member.since),
          .last_check_seconds = member.last_probe == base::Time{} ? -1 : seconds(now - member.last_probe),
          .check_took_seconds = seconds(member.probe_took),
          .last_check = member.judge ? member.judge->last_result() : "",
          .weight = member.settings.weight,
          .weight_now = weight(member, now),
          .addresses = member.addresses.size(),
          .agent_error = member.agent_error,
          .max_connections = member.agent_max_connections.value_or(member.settings.max_connections),
          .connections = slot.load.connections.load(std::memory_order_relaxed),
          .connections_total = slot.connections_total.load(std::memory_order_relaxed),
          .ejections_total = member.ejections,
          .connect_failures_total = slot.connect_failures_total.load(std::memory_order_relaxed),
          .early_closes_total = slot.early_closes_total.load(std::memory_order_relaxed),
          .ports_short_total = slot.ports_short_total.load(std::memory_order_relaxed),
          .connect_seconds_sum = static_cast<double>(slot.connect_us_total.load(std::memory_order_relaxed)) / 1e6,
          .sources = sources_of(slot),
          .draining = draining(member, now),
          .differs = {}};
}

}  // namespace holdfast::gateway
