// Who is on the list. What is said of them is in roster_reports.cc, the state that follows in roster_state.cc, and what
// workers and operators see in roster_view.cc.
#include "gateway/roster.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/log.h"

namespace holdfast::gateway {
namespace {

// How long a server that left stays at least. A worker may still connect to it before it sees the new pool, and that
// connection is closed with the others only while the server is known.
constexpr std::chrono::milliseconds kFarewell{100};

base::Duration or_else(config::Duration duration, config::Duration otherwise) {
  return duration.count() > 0 ? duration : otherwise;
}

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

}  // namespace

Roster::Roster(const config::Pool& settings, ServerSlots& slots, PoolLoad& load, Watcher& watcher, base::Time now)
    : settings_(settings),
      slots_(slots),
      load_(load),
      watcher_(watcher),
      panic_(panic_rules(settings)),
      outliers_(outlier_rules(settings)),
      random_(static_cast<std::uint64_t>(now.time_since_epoch().count())) {}

Roster::Member* Roster::find(std::uint16_t slot) noexcept {
  const auto found = std::ranges::find(members_, slot, &Member::slot);
  return found == members_.end() ? nullptr : &*found;
}

const Roster::Member* Roster::find(std::uint16_t slot) const noexcept {
  return const_cast<Roster*>(this)->find(slot);  // the same search
}

// Those that have the family of one of the source addresses.
std::vector<net::SocketAddress> Roster::reachable(std::vector<net::SocketAddress> addresses) const {
  const auto& sources = settings_.source_addresses;
  std::erase_if(addresses, [&sources](const net::SocketAddress& to) {
    const auto fits = [&to](const base::Endpoint& from) {
      return (from.kind == base::Endpoint::Kind::ipv6) == (to.family() == AF_INET6);
    };
    return !sources.empty() && !to.is_unix() && std::ranges::none_of(sources, fits);
  });
  return addresses;
}

bool Roster::set_addresses(Member& member, std::vector<net::SocketAddress> addresses) {
  const bool has_some = !addresses.empty();
  addresses = reachable(std::move(addresses));
  const bool out_of_reach = has_some && addresses.empty();
  const auto text = &net::SocketAddress::text;
  if (out_of_reach == member.out_of_reach && std::ranges::equal(addresses, member.addresses, {}, text, text))
    return false;
  member.addresses = std::move(addresses);
  member.out_of_reach = out_of_reach;
  if (out_of_reach) {
    base::log_warning("no source address is of the family of a server, which gets no connections",
                      {{"server", settings_.name + "/" + member.settings.name}});
  }
  return true;
}

// Host names have none until they are resolved.
void Roster::set_literal_address(Member& member) {
  const auto address = net::SocketAddress::from(member.settings.address);
  (void)set_addresses(member, address ? std::vector{*address} : std::vector<net::SocketAddress>{});
}

void Roster::set_servers(Origin origin, const std::vector<config::Server>& servers, base::Time now) {
  std::unordered_set<std::string_view> names;
  for (const config::Server& server : servers) names.insert(server.name);
  std::unordered_map<std::string, std::size_t> known;  // by name, where in members_
  for (Member& member : members_) {
    if (member.origin == origin && !member.leaving && !names.contains(member.settings.name)) leave(member, now);
    known.emplace(member.settings.name, known.size());
  }
  std::int64_t left_out = 0;
  for (const config::Server& server : servers) {
    const auto found = known.find(server.name);
    if (found != known.end()) {
      set_server(members_[found->second], origin, server);
    } else if (!join(origin, server, now)) {
      ++left_out;
    }
  }
  if (left_out > 0) {
    base::log_error("no room for further servers: there are 65535 in all pools together",
                    {{"pool", settings_.name}, {"left_out", left_out}});
  }
  changed_ = true;
  review_all(now);
}

void Roster::set_server(Member& member, Origin origin, const config::Server& server) {
  if (member.origin == origin || member.leaving) {
    member.origin = origin;
    return update(member, server);
  }
  base::log_warning("a discovered server has the name of a configured one, which stays as it is",
                    {{"server", settings_.name + "/" + server.name}});
}

bool Roster::join(Origin origin, const config::Server& server, base::Time now) {
  const auto slot =
      slots_.open(settings_.name, server.name, std::max<std::size_t>(1, settings_.source_addresses.size()));
  if (!slot) return false;
  Member& member = members_.emplace_back();
  member.settings = server;
  member.origin = origin;
  member.slot = *slot;
  member.since = now;
  if (settings_.health) {
    const auto start = open_ ? policy::HealthJudge::Start::down : policy::HealthJudge::Start::up_on_trial;
    member.judge.emplace(health_rules(*settings_.health), start, now);
  }
  using PanicStart = policy::PanicJudge::Start;
  tell_panic(panic_.add(*slot, open_ && settings_.health ? PanicStart::down : PanicStart::up));
  outliers_.add(*slot);
  set_literal_address(member);
  watcher_.joined(*slot, server.address);
  return true;
}

void Roster::update(Member& member, const config::Server& server) {
  // One that is back on the list is looked up anew, and asked from there on.
  const bool moves = member.leaving || !(member.settings.address == server.address);
  if (member.leaving) {
    member.leaving = false;
    member.closing_began.reset();
    const bool is_down = member.judge && member.judge->health() == policy::Health::down;
    tell_panic(panic_.add(member.slot, is_down ? policy::PanicJudge::Start::down : policy::PanicJudge::Start::up));
    watcher_.joined(member.slot, server.address);
  } else if (moves) {
    watcher_.moved(member.slot, server.address);
  }
  member.settings = server;
  if (moves) set_literal_address(member);
}

void Roster::leave(Member& member, base::Time now) {
  member.leaving = true;
  member.closing_began = now;
  tell_panic(panic_.remove(member.slot));  // however long its connections last, it is none of the good set
  watcher_.left(member.slot);
}

void Roster::drop_empty(base::Time now) {
  const auto gone = [&](const Member& member) {
    if (!member.leaving || now - *member.closing_began < kFarewell) return false;
    if (slots_[member.slot].load.connections.load(std::memory_order_relaxed) > 0) return false;
    if (member.serving) --serving_;
    outliers_.remove(member.slot);
    slots_.close(member.slot, now);
    base::log_info("server gone", {{"server", settings_.name + "/" + member.settings.name}});
    return true;
  };
  changed_ |= std::erase_if(members_, gone) > 0;
}

bool Roster::set_addresses(std::uint16_t slot, std::vector<net::SocketAddress> addresses, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr || !set_addresses(*member, std::move(addresses))) return false;
  changed_ = true;
  settle(*member, now);
  return true;
}

}  // namespace holdfast::gateway
