// Which pools there are, and what others learn of them. Probes and lists are in directory_feeds.cc, host names in
// directory_names.cc.
#include "gateway/directory.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/log.h"
#include "config/names.h"

namespace holdfast::gateway {
namespace {

constexpr std::chrono::milliseconds kTick{100};

std::shared_ptr<const Pool> pool_of_nobody(PoolLoad& load) {
  auto pool = std::make_shared<Pool>();
  pool->load = &load;
  return pool;
}

base::Error no_such_pool() { return {base::Errc::not_found, base::Side::client, 0, "pool"}; }

DiscoveryStatus status_of_source(const discovery::FileSource& source) {
  static constexpr const char* kAlarms[] = {"none", "unreadable", "empty", "shrink"};
  const discovery::SourceStatus from = source.status();
  const auto now = std::chrono::system_clock::now();
  const auto seconds_since = [now](std::chrono::system_clock::time_point then) {
    return then.time_since_epoch().count() == 0 ? -1.0 : std::chrono::duration<double>(now - then).count();
  };
  return {.source = from.source,
          .version = from.version,
          .error = from.error,
          .alarm = kAlarms[static_cast<std::size_t>(from.alarm)],
          .age_seconds = seconds_since(from.applied_at),
          .checked_seconds = seconds_since(from.checked_at),
          .from_disk_copy = from.from_disk_copy,
          .changes_total = from.changes_total,
          .errors_total = from.errors_total};
}

}  // namespace

Directory::Directory(control::Runtime& runtime, const std::vector<config::Pool>& pools, std::size_t workers,
                     const std::filesystem::path& keep)
    : runtime_(runtime),
      workers_(workers),
      keep_(keep),
      nobodys_load_(workers),
      nobody_(pool_of_nobody(nobodys_load_)),
      snapshot_(std::make_shared<const Pools>()),
      threads_(runtime, {.threads = 8, .waiting_calls_max = 65'536}) {
  for (const config::Pool& pool : pools) add_entry(pool);
  publish();
}

Directory::~Directory() { *alive_ = false; }

Directory::Entry& Directory::add_entry(const config::Pool& pool) {
  const std::uint16_t slot = free_slot();
  entries_[slot] = std::make_unique<Entry>(*this, slot, pool);
  Entry& entry = *entries_[slot];
  entry.roster.set_servers(Roster::Origin::configured, pool.servers, base::Clock::now());
  if (pool.discovery) make_source(entry);
  changed_ = true;
  return entry;
}

std::uint16_t Directory::free_slot() {
  auto free = std::ranges::find_if(entries_, [](const auto& entry) { return !entry; });
  if (free == entries_.end()) free = entries_.insert(free, nullptr);
  return static_cast<std::uint16_t>(free - entries_.begin());
}

void Directory::open(std::function<void()> on_done) {
  on_open_ = std::move(on_done);
  for (const auto& entry : entries_) {
    if (entry && entry->source) entry->source->start();
  }
  begun_ = true;
  for (auto& [slot, name] : names_) begin_lookup(slot);
  ticker_ = std::make_unique<control::Ticker>(runtime_, kTick, [this] { tick(); });
  open_when_looked_up();
}

// A pool that comes later has its first servers, and their addresses, or it has been told that there are none.
bool Directory::awaits_something(const Entry& entry) const {
  const bool awaits_list = entry.source && !entry.has_list && entry.source->status().error.empty();
  return awaits_list || std::ranges::any_of(names_, [&](const auto& name) {
           return name.second.pool == entry.slot && !name.second.tried;
         });
}

// Everything that is there at the beginning has had its chance: from here on, whoever comes is new.
void Directory::open_when_looked_up() {
  if (!open_) {
    if (std::ranges::any_of(names_, [](const auto& name) { return !name.second.tried; })) return;
    open_ = true;
    for (const auto& entry : entries_) {
      if (entry) open_entry(*entry);
    }
    publish();
    return on_open_();
  }
  for (const auto& entry : entries_) {
    if (entry && !entry->open && !entry->left_at && !awaits_something(*entry)) open_entry(*entry);
  }
}

void Directory::open_entry(Entry& entry) {
  entry.open = true;
  entry.roster.opened();
  begin_probing(entry);
  begin_resolving(entry);
}

void Directory::apply(const std::vector<config::Pool>& pools, RuntimeChanges runtime) {
  std::unordered_set<std::string_view> names;
  for (const config::Pool& pool : pools) names.insert(pool.name);
  for (const auto& entry : entries_) {
    if (entry && !entry->left_at && !names.contains(entry->settings().name)) remove(*entry);
  }
  for (const config::Pool& pool : pools) {
    Entry* const known = find(pool.name);
    if (known != nullptr) {
      change(*known, pool, runtime);
    } else {
      Entry& entry = add_entry(pool);
      if (begun_ && entry.source) entry.source->follow(discovery::FileSource::Copy::use);
    }
  }
  if (open_) open_when_looked_up();
  publish();
}

void Directory::change(Entry& entry, const config::Pool& pool, RuntimeChanges runtime) {
  const bool forgets = runtime == RuntimeChanges::drop && entry.roster.has_commands();
  if (!entry.left_at && !forgets && pool == entry.settings()) return;
  if (forgets) entry.roster.forget_commands();
  const config::Pool before = entry.settings();
  entry.left_at.reset();
  if (entry.rests_since) changed_ = true;  // it is in the snapshot again
  entry.rests_since.reset();
  entry.roster.set_settings(pool, base::Clock::now());
  change_source(entry, before.discovery);
  if (!entry.open) return;
  change_probing(entry, before);
  if (!entry.resolver || pool.resolve_interval != before.resolve_interval) begin_resolving(entry);
}

void Directory::remove(Entry& entry) {
  entry.left_at = base::Clock::now();
  entry.source.reset();
  entry.has_list = false;
  entry.roster.remove_all(*entry.left_at);
  entry.prober.reset();
  entry.resolver.reset();
}

// A removed pool stays in the snapshot while it has connections; then its slot is empty; then it is another's.
void Directory::drop_left(base::Time now) {
  for (auto& entry : entries_) {
    if (!entry || !entry->left_at) continue;
    const PoolLoad& load = entry->load;
    const bool is_empty = !entry->roster.has_members() && load.connections == 0 && load.waiting == 0;
    if (!entry->rests_since && is_empty && now - *entry->left_at >= kRest) {
      entry->rests_since = now;
      changed_ = true;
    } else if (entry->rests_since && !is_empty) {
      entry->rests_since = now;  // a worker had not seen it go
    } else if (entry->rests_since && now - *entry->rests_since >= kRest) {
      entry.reset();
    }
  }
}

Directory::Entry* Directory::find(std::string_view pool) const {
  const auto found =
      std::ranges::find_if(entries_, [&](const auto& entry) { return entry && entry->settings().name == pool; });
  return found == entries_.end() ? nullptr : found->get();
}

Directory::Entry* Directory::owner_of(std::uint16_t server) const {
  const std::uint16_t pool = slots_[server].pool_slot;
  return pool < entries_.size() ? entries_[pool].get() : nullptr;
}

std::optional<std::uint16_t> Directory::slot_of(std::string_view pool) const {
  const Entry* entry = find(pool);
  if (entry == nullptr || entry->left_at) return std::nullopt;
  return entry->slot;
}

base::Result<void> Directory::change_server(std::string_view pool, const std::string& name,
                                            const ServerChange& change) {
  Entry* entry = find(pool);
  if (entry == nullptr || entry->left_at) return no_such_pool();
  const auto changed = entry->roster.change_server(name, change, base::Clock::now());
  publish_if_changed();
  return changed;
}

base::Result<void> Directory::add_server(std::string_view pool, const config::Server& server) {
  Entry* entry = find(pool);
  if (entry == nullptr || entry->left_at) return no_such_pool();
  const auto added = entry->roster.add_server(server, base::Clock::now());
  publish_if_changed();
  return added;
}

base::Result<void> Directory::remove_server(std::string_view pool, const std::string& name) {
  Entry* entry = find(pool);
  if (entry == nullptr || entry->left_at) return no_such_pool();
  const auto removed = entry->roster.remove_server(name, base::Clock::now());
  publish_if_changed();
  return removed;
}

std::vector<RuntimeChange> Directory::runtime_changes() const {
  std::vector<RuntimeChange> all;
  for (const auto& entry : entries_) {
    if (!entry || entry->left_at) continue;
    std::ranges::move(entry->roster.runtime_changes(), std::back_inserter(all));
  }
  return all;
}

void Directory::take(const Notice& notice) {
  const base::Time now = base::Clock::now();
  if (const auto* failed = std::get_if<ConnectFailed>(&notice)) {
    Entry* entry = is_our_fault(failed->error) ? nullptr : owner_of(failed->server);
    if (entry != nullptr) entry->roster.connect_failed(failed->server, std::strerror(failed->error), now);
  } else if (const auto* early = std::get_if<ClosedEarly>(&notice)) {
    Entry* entry = owner_of(early->server);
    if (entry != nullptr) entry->roster.closed_early(early->server, now);
  } else if (const auto* lost = std::get_if<ConnectionsLost>(&notice)) {
    Entry* entry = owner_of(lost->server);
    if (entry != nullptr) entry->roster.connections_lost(lost->server, now);
  } else if (const auto* unusable = std::get_if<SourceUnusable>(&notice)) {
    Entry* entry = owner_of(unusable->server);
    if (entry != nullptr) entry->roster.source_unusable(unusable->source, now);
  } else {
    return;
  }
  publish_soon();
}

void Directory::tick() {
  const base::Time now = base::Clock::now();
  for (const auto& entry : entries_) {
    if (entry) entry->roster.tick(now);
  }
  drop_left(now);
  open_when_looked_up();  // the last name that was awaited may have left the list
  publish_soon();
}

bool Directory::is_changed() const {
  return changed_ || std::ranges::any_of(entries_, [](const auto& entry) {
           return entry && !entry->rests_since && entry->roster.is_changed();
         });
}

void Directory::publish_if_changed() {
  if (is_changed()) publish();
}

void Directory::publish_soon() {
  if (publishing_ || !is_changed()) return;
  publishing_ = true;
  runtime_.post([this, alive = alive_] {
    if (!*alive) return;
    publishing_ = false;
    publish();
  });
}

void Directory::publish() {
  auto next = std::make_shared<Pools>(*snapshot_.newest());
  next->pools.resize(entries_.size(), nobody_);
  const base::Time now = base::Clock::now();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& pool = next->pools[i];
    const auto& entry = entries_[i];
    if (!entry || entry->rests_since) {
      pool = nobody_;
    } else if (entry->roster.is_changed() || pool == nobody_) {
      pool = entry->roster.build(now);
    }
  }
  changed_ = false;
  snapshot_.publish(std::move(next));
  for (base::Waker* reader : readers_) reader->wake();
}

std::vector<PoolStatus> Directory::status() const {
  std::vector<PoolStatus> all;
  for (const auto& entry : entries_) {
    if (entry && (!entry->left_at || entry->roster.has_members())) all.push_back(status_of(*entry));
  }
  return all;
}

PoolStatus Directory::status_of(const Entry& entry) const {
  PoolStatus status;
  status.name = entry.settings().name;
  status.policy = config::name(entry.settings().policy);
  status.leaving = entry.left_at.has_value();
  status.connections = entry.load.connections.load(std::memory_order_relaxed);
  status.waiting = entry.load.waiting.load(std::memory_order_relaxed);
  status.panic = entry.roster.in_panic();
  if (entry.prober) {
    status.probes_total = entry.prober->probes_total();
    status.probe_failures_total = entry.prober->failures_total();
    const health::ProbeHistogram& durations = entry.prober->durations();
    status.probe_buckets.assign(durations.buckets.begin(), durations.buckets.end());
    status.probe_seconds_sum = durations.seconds_sum;
  }
  if (entry.source) status.discovery = status_of_source(*entry.source);
  status.servers = entry.roster.status(base::Clock::now());
  return status;
}

}  // namespace holdfast::gateway
