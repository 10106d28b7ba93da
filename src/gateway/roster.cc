// Who is on the list. What it is made of is changed in roster_settings.cc and roster_commands.cc; what is said of
// servers is in roster_reports.cc, the state that follows in roster_state.cc, and what workers and operators see in
// roster_view.cc.
#include "gateway/roster.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "gateway/roster_rules.h"

namespace holdfast::gateway {
namespace {

// How long a server that left stays at least. A worker may still connect to it before it sees the new pool, and that
// connection is closed with the others only while the server is known.
constexpr std::chrono::milliseconds kFarewell{100};

}  // namespace

Roster::Roster(const config::Pool& settings, ServerSlots& slots, PoolLoad& load, Watcher& watcher, base::Time now)
    : settings_(settings),
      slots_(slots),
      load_(load),
      watcher_(watcher),
      panic_(panic_rules(settings)),
      outliers_(outlier_rules(settings)),
      random_(static_cast<std::uint64_t>(now.time_since_epoch().count())) {
  settings_.servers.clear();
  set_sources();
}

Roster::Member* Roster::find(std::uint16_t slot) noexcept {
  const std::uint32_t place = slots_[slot].place;
  return place < members_.size() && members_[place].slot == slot ? &members_[place] : nullptr;
}

const Roster::Member* Roster::find(std::uint16_t slot) const noexcept {
  return const_cast<Roster*>(this)->find(slot);  // the same search
}

Roster::Member* Roster::find(const std::string& name) noexcept {
  const auto is_it = [&name](const Member& member) { return !member.leaving && member.settings.name == name; };
  const auto found = std::ranges::find_if(members_, is_it);
  return found == members_.end() ? nullptr : &*found;
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
  member.found = std::move(addresses);
  std::vector<net::SocketAddress> usable = reachable(member.found);
  const bool out_of_reach = !member.found.empty() && usable.empty();
  const auto text = &net::SocketAddress::text;
  if (out_of_reach == member.out_of_reach && std::ranges::equal(usable, member.addresses, {}, text, text)) return false;
  member.addresses = std::move(usable);
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
  (origin == Origin::discovered ? discovered_ : settings_.servers) = servers;
  relist(now);
}

void Roster::remove_all(base::Time now) {
  changes_.forget();
  settings_.servers.clear();
  discovered_.clear();
  relist(now);
}

const config::Server* Roster::as_listed(const std::string& name) const noexcept {
  for (const Servers* list : {&settings_.servers, &discovered_}) {
    const auto found = std::ranges::find(*list, name, &config::Server::name);
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

std::vector<Roster::Listed> Roster::listed() {
  std::vector<Listed> all;
  std::unordered_set<std::string> names;
  const auto add = [&](const config::Server& server, Origin origin) {
    if (!names.insert(server.name).second) return false;
    const auto changed = changes_.apply(server);
    if (changed) all.push_back({*changed, origin});
    return true;
  };
  for (const config::Server& server : settings_.servers) add(server, Origin::configured);
  for (const config::Server& server : changes_.added()) add(server, Origin::runtime);
  std::unordered_set<std::string> shadowed;
  for (const config::Server& server : discovered_) {
    if (add(server, Origin::discovered)) continue;
    shadowed.insert(server.name);
    if (shadowed_.contains(server.name)) continue;
    base::log_warning("a discovered server has the name of a configured one, which stays as it is",
                      {{"server", settings_.name + "/" + server.name}});
  }
  shadowed_ = std::move(shadowed);
  return all;
}

void Roster::relist(base::Time now) {
  const auto unlisted = settings_.discovery ? ServerChanges::Unlisted::remember : ServerChanges::Unlisted::forget;
  changes_.compare(settings_.servers, discovered_, unlisted);
  const std::vector<Listed> wanted = listed();
  std::unordered_set<std::string_view> names;
  for (const Listed& each : wanted) names.insert(each.server.name);
  std::unordered_map<std::string, std::size_t> known;  // by name, where in members_
  for (Member& member : members_) {
    if (!member.leaving && !names.contains(member.settings.name)) leave(member, now);
    known.emplace(member.settings.name, known.size());
  }
  std::int64_t left_out = 0;
  for (const Listed& each : wanted) {
    const auto found = known.find(each.server.name);
    if (found != known.end()) {
      update(members_[found->second], each, now);
    } else if (!join(each, now)) {
      ++left_out;
    }
  }
  if (left_out > 0) {
    base::log_error("no room for further servers: there are 65535 in all pools together",
                    {{"pool", settings_.name}, {"left_out", left_out}});
  }
  sort(wanted);
  changed_ = true;
  review_all(now);
}

// Some policies go by the order of the list. Those that are leaving stay where they are.
void Roster::sort(const std::vector<Listed>& wanted) {
  std::unordered_map<std::string_view, std::size_t> order;
  for (const Listed& each : wanted) order.emplace(each.server.name, order.size());
  std::vector<std::size_t> places;
  std::vector<std::size_t> sorted;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].leaving) places.push_back(i);
  }
  sorted = places;
  std::ranges::sort(sorted, {}, [&](std::size_t i) { return order.at(members_[i].settings.name); });
  if (sorted == places) return;
  std::vector<Member> moved;
  for (const std::size_t from : sorted) moved.push_back(std::move(members_[from]));
  for (std::size_t i = 0; i < places.size(); ++i) members_[places[i]] = std::move(moved[i]);
  number_places();
}

void Roster::number_places() {
  for (std::size_t i = 0; i < members_.size(); ++i) slots_[members_[i].slot].place = static_cast<std::uint32_t>(i);
}

bool Roster::join(const Listed& listed, base::Time now) {
  const auto slot = slots_.open(settings_.name, listed.server.name, sources_.count());
  if (!slot) return false;
  Member& member = members_.emplace_back();
  slots_[*slot].place = static_cast<std::uint32_t>(members_.size() - 1);
  member.settings = listed.server;
  member.origin = listed.origin;
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
  watcher_.joined(*slot, listed.server.address);
  give_order(member, changes_.order(listed.server.name), now);
  return true;
}

void Roster::update(Member& member, const Listed& listed, base::Time now) {
  // One that is back on the list is looked up anew, and asked from there on.
  const bool moves = member.leaving || !(member.settings.address == listed.server.address);
  if (member.leaving) {
    rejoin(member, listed.server);
  } else if (moves) {
    watcher_.moved(member.slot, listed.server.address);
  }
  member.settings = listed.server;
  member.origin = listed.origin;
  if (moves) set_literal_address(member);
  give_order(member, changes_.order(listed.server.name), now);
}

void Roster::rejoin(Member& member, const config::Server& server) {
  member.leaving = false;
  member.closing_began.reset();
  const bool is_down = member.judge && member.judge->health() == policy::Health::down;
  tell_panic(panic_.add(member.slot, is_down ? policy::PanicJudge::Start::down : policy::PanicJudge::Start::up));
  watcher_.joined(member.slot, server.address);
}

void Roster::leave(Member& member, base::Time now) {
  member.leaving = true;
  member.order = {};  // what commands say of it is kept by its name, should it come back
  begin_closing(member, now);
  tell_panic(panic_.remove(member.slot));  // however long its connections last, it is none of the good set
  watcher_.left(member.slot);
}

void Roster::begin_closing(Member& member, base::Time now) {
  member.closing_began = now;
  note_drain(member);
}

void Roster::note_drain(Member& member) {
  const ServerSlot& slot = slots_[member.slot];
  const std::uint64_t met = slot.connections_total.load(std::memory_order_relaxed);
  member.ended_before = met - std::min<std::uint64_t>(met, slot.load.connections.load(std::memory_order_relaxed));
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
  if (std::erase_if(members_, gone) == 0) return;
  number_places();
  changed_ = true;
}

bool Roster::set_addresses(std::uint16_t slot, std::vector<net::SocketAddress> addresses, base::Time now) {
  Member* member = find(slot);
  if (member == nullptr || !set_addresses(*member, std::move(addresses))) return false;
  changed_ = true;
  settle(*member, now);
  return true;
}

}  // namespace holdfast::gateway
