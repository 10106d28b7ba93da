// What a roster makes of its servers for the workers, and for whoever asks. The rest is in roster.cc.
#include <algorithm>
#include <cmath>

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

const char* Roster::policy_name() const noexcept {
  switch (settings_.policy) {
    case config::Policy::round_robin: return "round_robin";
    case config::Policy::least_connections: return "least_connections";
    case config::Policy::random: return "random";
    case config::Policy::random_two: return "random_two";
    case config::Policy::first: return "first";
    case config::Policy::hash: break;
  }
  return "hash";
}

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

Closing Roster::closing(const Member& member, base::Time now) const {
  if (!member.closing_began) return Closing::no;
  if (member.leaving && settings_.on_remove == config::OnRemove::keep) return Closing::no;
  const bool at_once = member.leaving && settings_.on_remove == config::OnRemove::close;
  const bool late = settings_.drain_deadline.count() > 0 && now - *member.closing_began >= settings_.drain_deadline;
  return at_once || late ? Closing::at_once : Closing::paced;
}

Server Roster::server_of(const Member& member, base::Time now) const {
  const policy::Ramp slow = ramp(member, now);
  const std::uint32_t limit = member.agent_max_connections.value_or(member.settings.max_connections);
  return {.slot = member.slot,
          .name = member.settings.name,
          .max_connections = limit,
          .accept_rate = accept_rate(slow.rate(member.settings.max_accept_rate)),
          .addresses = member.addresses,
          .closing = closing(member, now),
          .closing_reason = member.leaving ? CloseReason::server_removed : CloseReason::server_down};
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
  pool->drain_rate = accept_rate(settings_.drain_rate);
  for (const base::Endpoint& source : settings_.source_addresses) {
    pool->sources.push_back(*net::SocketAddress::from(source));
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

std::vector<ServerStatus> Roster::status(base::Time now) const {
  std::vector<ServerStatus> all;
  for (const Member& member : members_) {
    const ServerSlot& slot = slots_[member.slot];
    ServerStatus status{.pool = settings_.name,
                        .name = member.settings.name,
                        .address = member.settings.address.text(),
                        .state = state_text(member),
                        .cause = cause_text(member),
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
                        .sources = {}};
    for (std::size_t i = 0; i < slot.source_count; ++i) {
      const bool named = i < settings_.source_addresses.size();
      status.sources.push_back(
          {named ? settings_.source_addresses[i].host : "", slot.sources[i].ports.load(std::memory_order_relaxed)});
    }
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace holdfast::gateway
