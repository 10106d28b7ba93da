// gateway/connection_search.h: finds live relays over all workers, a page at a time, and ends one by its id.
//
// Thread, cost, pages, limits: as entry/connection_search.h, which does it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/snapshot.h"
#include "entry/connection_search.h"
#include "gateway/connection_scan.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

using entry::ConnectionInfo;
using entry::ConnectionPage;
using entry::ConnectionQuery;

class ConnectionSearches {
 public:
  static constexpr std::size_t kUnderWayMax = entry::kSearchesMax;

  // What there is to find, and who looks.
  struct World {
    const base::Snapshot<Pools>& pools;
    const ServerSlots& servers;
    std::function<std::vector<std::string>()> listener_names;                        // by slot
    std::function<std::size_t(const std::shared_ptr<const ScanOrder>& order)> send;  // to how many workers
  };
  ConnectionSearches(control::Runtime& runtime, World world);

  void find(const ConnectionQuery& query, std::function<void(ConnectionPage)> answer);
  // Whether there was one with this id. It is ended orderly, which may take a while longer.
  void kick(std::uint64_t id, std::function<void(bool found)> answer);

  // Where the workers' results go.
  [[nodiscard]] ScanResults& results() noexcept { return searches_.results(); }

 private:
  [[nodiscard]] std::shared_ptr<ScanOrder> order_of(const ConnectionQuery& query) const;
  [[nodiscard]] ConnectionInfo info_of(const FoundConnection& found, base::Time now) const;

  World world_;
  entry::ConnectionSearches<ScanOrder, FoundConnection> searches_;
};

}  // namespace holdfast::gateway
