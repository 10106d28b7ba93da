// gateway/directory.h: the pools as configured and what their host names resolve to, published to the workers.
//
// Thread: control. Host names are resolved here, all at once, every pool.resolve_interval; never on a worker.
// A name that cannot be resolved keeps the addresses it had: an error is not an empty answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/snapshot.h"
#include "config/settings.h"
#include "control/thread_pool.h"
#include "control/ticker.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

class Directory {
 public:
  Directory(control::Runtime& runtime, const std::vector<config::Pool>& pools);

  // Looks every host name up, and calls `on_done` when that is over, found or not: after at most kLookupTimeout.
  void resolve_all(std::function<void()> on_done);

  [[nodiscard]] const base::Snapshot<Pools>& pools() const noexcept { return snapshot_; }
  [[nodiscard]] ServerSlots& slots() noexcept { return slots_; }
  [[nodiscard]] const ServerSlots& slots() const noexcept { return slots_; }

  static constexpr std::chrono::seconds kLookupTimeout{3};

 private:
  struct Name {  // a server whose address is a host name
    std::size_t pool = 0;
    std::size_t server = 0;
    base::Endpoint address;
    bool failed = false;  // said so already
  };

  [[nodiscard]] std::shared_ptr<const Pools> build(const std::vector<config::Pool>& pools);
  void look_up_names_of(std::size_t pool);
  [[nodiscard]] control::Task<> look_up(std::size_t name);
  void take(const Name& name, std::vector<net::SocketAddress> addresses);
  void looked_up();

  control::Runtime& runtime_;
  ServerSlots slots_;
  std::vector<Name> names_;  // build() fills slots and names, so they stand before the snapshot
  base::Snapshot<Pools> snapshot_;
  control::ThreadPool threads_;
  std::vector<control::Job> lookups_;  // one a name
  std::size_t rounds_ = 0;
  std::size_t first_lookups_left_ = 0;
  std::function<void()> on_first_lookups_done_;
  std::vector<std::unique_ptr<control::Ticker>> tickers_;  // one a pool with names
};

}  // namespace holdfast::gateway
