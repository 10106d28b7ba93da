// broker/connection_search.h: finds the broker's connections over all workers, a page at a time, and ends one.
//
// Thread, cost, pages, limits: as entry/connection_search.h, which does it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/connection_scan.h"
#include "broker/listeners.h"
#include "entry/connection_search.h"

namespace holdfast::broker {

class ConnectionSearches {
 public:
  using Send = std::function<std::size_t(const std::shared_ptr<const ScanOrder>& order)>;

  // `send` gives an order to the workers, and says to how many.
  ConnectionSearches(control::Runtime& runtime, const Listeners& listeners, Send send);

  void find(const entry::ConnectionQuery& query, std::function<void(entry::ConnectionPage)> answer);
  // Whether there was one with this id, or a client of this name. It is ended orderly, which may take a while longer.
  void kick(std::uint64_t id, std::function<void(bool found)> answer);
  void kick_client(const std::string& client_id, std::function<void(bool found)> answer);

  // Where the workers' results go.
  [[nodiscard]] ScanResults& results() noexcept { return searches_.results(); }

 private:
  entry::ConnectionSearches<ScanOrder, FoundConnection> searches_;
  const Listeners& listeners_;
};

}  // namespace holdfast::broker
