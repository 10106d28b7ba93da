// gateway/directory.h: the pools, put together from the configuration, name resolution, discovery, probes and what
// workers notice, and published to the workers.
//
// Thread: control. Host names are resolved here, every pool.resolve_interval; never on a worker.
// Changes of one turn of the control thread are published together, at its end.
// A name that cannot be resolved keeps the addresses it had: an error is not an empty answer.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
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

class Directory {
 public:
  // `workers` as many as will read the pools; `keep` is where the last good lists of discovery are kept.
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

  [[nodiscard]] const base::Snapshot<Pools>& pools() const noexcept { return snapshot_; }
  [[nodiscard]] ServerSlots& slots() noexcept { return slots_; }
  [[nodiscard]] std::vector<PoolStatus> status() const;

  static constexpr std::chrono::seconds kLookupTimeout{3};

 private:
  // A server whose address is a host name.
  struct Name {
    std::size_t pool = 0;
    base::Endpoint address;
    bool failed = false;  // said so already
    bool tried = false;   // the first lookup is over
    bool known = false;   // it was resolved once
    control::Job lookup;
  };
  // One pool with all that feeds its roster.
  struct Entry final : Roster::Watcher {
    Entry(Directory& owner, std::size_t pool_number, const config::Pool& settings, std::size_t workers);
    void joined(std::uint16_t slot, const base::Endpoint& address) override;
    void moved(std::uint16_t slot, const base::Endpoint& address) override;
    void left(std::uint16_t slot) override;
    void doubted(std::uint16_t slot, const net::SocketAddress& at) override;

    Directory& directory;
    const std::size_t number;
    PoolLoad load;
    Roster roster;
    std::unique_ptr<health::Prober> prober;
    std::unique_ptr<discovery::FileSource> source;
    std::unique_ptr<control::Ticker> resolver;
  };

  void begin_probing(Entry& entry);
  void watch(Entry& entry, std::uint16_t slot, const base::Endpoint& address, std::chrono::milliseconds first_after);
  [[nodiscard]] health::Target target(const Entry& entry, const base::Endpoint& address) const;
  void look_up_names_of(std::size_t pool);
  void begin_lookup(std::uint16_t slot);
  [[nodiscard]] control::Task<> look_up(std::uint16_t slot);
  void resolved(Entry& entry, std::uint16_t slot, std::vector<net::SocketAddress> addresses);
  void open_when_looked_up();
  void publish_soon();
  void publish();
  void tick();
  Entry* owner_of(std::uint16_t slot);

  control::Runtime& runtime_;
  ServerSlots slots_;
  std::deque<Entry> entries_;
  base::Snapshot<Pools> snapshot_;
  std::span<base::Waker* const> readers_;
  control::ThreadPool threads_;
  std::map<std::uint16_t, Name> names_;  // by slot
  std::size_t rounds_ = 0;
  std::function<void()> on_open_;
  bool begun_ = false;  // open() was called
  bool open_ = false;   // and every name has been looked up once
  bool publishing_ = false;
  std::unique_ptr<control::Ticker> ticker_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace holdfast::gateway
