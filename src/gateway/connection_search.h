// gateway/connection_search.h: finds live connections over all workers, a page at a time, and ends one by its id.
//
// Thread: control; the workers look (connection_scan.h). Answers come on control, some perhaps at once.
// Cost:   of a page: limit + 1 records a worker, merged as they come.
// Pages:  sorted by id, a page ends with `next`: the `after` of the next one. A connection that lives all the time
//         is on exactly one page. The other orders have one page.
// Limits: kUnderWayMax at a time. Beyond, a search is told that it is `busy`, and a kick waits for its turn: who asks
//         for it bounds how many those are (an admin connection has one).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/snapshot.h"
#include "control/wakeup.h"
#include "gateway/connection_query.h"
#include "gateway/connection_scan.h"
#include "gateway/pools.h"

namespace holdfast::gateway {

class ConnectionSearches {
 public:
  static constexpr std::size_t kUnderWayMax = 8;

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
  [[nodiscard]] ScanResults& results() noexcept { return results_; }

 private:
  static constexpr std::size_t kResultsMax = kUnderWayMax * 256;  // as many workers

  struct Search {
    std::shared_ptr<const ScanOrder> order;
    std::uint32_t limit = 0;
    std::size_t outstanding = 0;  // workers that have not answered
    std::vector<FoundConnection> found;
    std::uint64_t matched = 0;
    std::function<void(const Search&)> answer;
  };
  struct Kick {
    std::uint64_t id;
    std::function<void(bool)> answer;
  };

  void begin(std::shared_ptr<ScanOrder> order, std::uint32_t limit, std::function<void(const Search&)> answer);
  void begin_kick(Kick kick);
  void take(ScanResult result);
  [[nodiscard]] std::shared_ptr<ScanOrder> order_of(const ConnectionQuery& query) const;
  [[nodiscard]] ConnectionPage page_of(const Search& search) const;
  [[nodiscard]] ConnectionInfo info_of(const FoundConnection& found, const Pools& pools, base::Time now) const;

  World world_;
  control::Wakeup wakeup_;
  ScanResults results_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, Search> under_way_;
  std::deque<Kick> kicks_;  // that wait
};

}  // namespace holdfast::gateway
