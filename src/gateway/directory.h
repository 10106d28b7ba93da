// gateway/directory.h: the pools, put together from the configuration, name resolution, discovery, probes, commands and
// what workers notice, and published to the workers.
//
// Thread: control. Host names are resolved here, every pool.resolve_interval; never on a worker.
// Changes of one turn of the control thread are published together, at its end; apply() and commands
// publish before they return.
// A name that cannot be resolved keeps the addresses it had: an error is not an empty answer.
// Life:   a pool has a slot, its own from when it comes until its last connection has ended and kRest is over; one that
//         is back by name before that is the same. Servers keep everything over every change that keeps their names.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_fd.h"
#include "base/snapshot.h"
#include "config/settings.h"
#include "control/thread_pool.h"
#include "control/ticker.h"
#include "discovery/file_source.h"
#include "gateway/notice.h"
#include "gateway/roster.h"
#include "health/prober.h"

namespace holdfast::gateway {

// What becomes of what commands have changed when the configuration is loaded anew.
enum class RuntimeChanges : std::uint8_t { drop, keep };

class Directory {
 public:
  // `workers` as many as will ever read the pools; `keep` is where the last good lists of discovery are kept.
  Directory(control::Runtime& runtime, const std::vector<config::Pool>& pools, std::size_t workers,
            const std::filesystem::path& keep);
  ~Directory();

  // Reads the lists of discovery, looks every host name up, and calls `on_done` when that is over, found or not: after
  // at most kLookupTimeout, counted from the last name that a list has brought meanwhile. Probing begins then.
  void open(std::function<void()> on_done);

  // Who reads the pools: woken when there are others, because an idle worker has no turn of its own.
  void wake_on_change(std::span<base::Waker* const> readers) { readers_ = readers; }

  // What workers have noticed of a server.
  void take(const Notice& notice);

  // Other pools, by name: new ones come, changed ones change as they serve, and the servers of those that are gone
  // follow their pool's on_remove. Nothing blocks and nothing can fail; published when it returns.
  void apply(const std::vector<config::Pool>& pools, RuntimeChanges runtime);
  // Where the pool is in Pools::pools. Nothing for one that is not in the configuration.
  [[nodiscard]] std::optional<std::uint16_t> slot_of(std::string_view pool) const;

  // Commands. Errors: not_found for the pool or the server, exists, malformed, exhausted.
  // Published when they return: no client that comes after the answer goes where it may not.
  base::Result<void> change_server(std::string_view pool, const std::string& name, const ServerChange& change);
  base::Result<void> add_server(std::string_view pool, const config::Server& server);
  base::Result<void> remove_server(std::string_view pool, const std::string& name);
  // What commands have changed, and the file does not say.
  [[nodiscard]] std::vector<RuntimeChange> runtime_changes() const;

  [[nodiscard]] const base::Snapshot<Pools>& pools() const noexcept { return snapshot_; }
  [[nodiscard]] ServerSlots& slots() noexcept { return slots_; }
  [[nodiscard]] std::vector<PoolStatus> status() const;

  static constexpr std::chrono::seconds kLookupTimeout{3};
  // How long the slot of a pool stays empty: when it has another pool, no worker and no notice knows the one before.
  static constexpr std::chrono::seconds kRest{10};

 private:
  // A server whose address is a host name.
  struct Name {
    std::uint16_t pool = 0;
    base::Endpoint address;
    bool failed = false;  // said so already
    bool tried = false;   // the first lookup is over
    bool known = false;   // it was resolved once
    control::Job lookup;
  };
  // One pool with all that feeds its roster.
  struct Entry final : Roster::Watcher {
    Entry(Directory& owner, std::uint16_t pool_slot, const config::Pool& settings);
    void joined(std::uint16_t slot, const base::Endpoint& address) override;
    void moved(std::uint16_t slot, const base::Endpoint& address) override;
    void left(std::uint16_t slot) override;
    void paused(std::uint16_t slot) override;
    void resumed(std::uint16_t slot, const net::SocketAddress& at) override;
    void doubted(std::uint16_t slot, const net::SocketAddress& at) override;
    [[nodiscard]] const config::Pool& settings() const noexcept { return roster.settings(); }

    Directory& directory;
    const std::uint16_t slot;
    PoolLoad load;
    Roster roster;
    std::unique_ptr<health::Prober> prober;
    std::unique_ptr<discovery::FileSource> source;
    std::unique_ptr<control::Ticker> resolver;
    bool open = false;                      // its first servers have had their chance
    bool has_list = false;                  // discovery's
    std::optional<base::Time> left_at;      // no longer in the configuration since
    std::optional<base::Time> rests_since;  // and no longer in the snapshot
  };

  Entry& add_entry(const config::Pool& pool);
  void change(Entry& entry, const config::Pool& pool, RuntimeChanges runtime);
  void remove(Entry& entry);
  void drop_left(base::Time now);
  [[nodiscard]] std::uint16_t free_slot();
  Entry* find(std::string_view pool) const;
  Entry* owner_of(std::uint16_t server) const;

  void open_entry(Entry& entry);
  [[nodiscard]] bool awaits_something(const Entry& entry) const;
  void open_when_looked_up();

  void make_source(Entry& entry);
  void change_source(Entry& entry, const std::optional<config::Discovery>& before);
  void begin_resolving(Entry& entry);
  void begin_probing(Entry& entry);
  void change_probing(Entry& entry, const config::Pool& before);
  void agent_asked(Entry& entry, std::uint16_t slot, const health::Outcome& outcome);
  void watch(Entry& entry, std::uint16_t slot, const base::Endpoint& address, std::chrono::milliseconds first_after);
  void watch_anew(Entry& entry, std::uint16_t slot, const net::SocketAddress& at);
  [[nodiscard]] static health::Target target(const config::Pool& pool, const base::Endpoint& address);

  void look_up_names_of(std::uint16_t pool);
  void begin_lookup(std::uint16_t slot);
  [[nodiscard]] control::Task<> look_up(std::uint16_t slot);
  void resolved(Entry& entry, std::uint16_t slot, std::vector<net::SocketAddress> addresses);

  [[nodiscard]] bool is_changed() const;
  void publish_soon();
  void publish_if_changed();
  void publish();
  void tick();
  [[nodiscard]] PoolStatus status_of(const Entry& entry) const;

  control::Runtime& runtime_;
  const std::size_t workers_;
  const std::filesystem::path keep_;
  ServerSlots slots_;
  PoolLoad nobodys_load_;  // of the slots that no pool has
  const std::shared_ptr<const Pool> nobody_;
  std::vector<std::unique_ptr<Entry>> entries_;  // by slot; null: free
  base::Snapshot<Pools> snapshot_;
  std::span<base::Waker* const> readers_;
  control::ThreadPool threads_;
  std::map<std::uint16_t, Name> names_;  // by slot
  std::size_t rounds_ = 0;
  std::function<void()> on_open_;
  bool begun_ = false;  // open() was called
  bool open_ = false;   // and every name has been looked up once
  bool publishing_ = false;
  bool changed_ = true;  // which pools there are, since the last publish()
  std::unique_ptr<control::Ticker> ticker_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace holdfast::gateway
