// gateway/connection_scan.h: looks through the relays of one worker for those that somebody asks about.
//
// Thread: the worker's; what it finds goes to control by a mailbox.
// Cost:   at most kTurnMax records a turn, however many searches there are: relaying does not wait for them (some
//         50 us; connection_scan_test.cc measures it). The search under way has room for one page, and nothing is
//         allocated besides.
// Order:  one search after the other. A relay that lives from the begin of one to its end is seen exactly once.
// Limits: as many searches as ConnectionSearches has under way. One that nobody waits for any more stops.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/cidr.h"
#include "base/mailbox.h"
#include "base/slab.h"
#include "gateway/connection_query.h"
#include "gateway/relay.h"
#include "net/loop.h"

namespace holdfast::gateway {

// What is looked for, with names as slots. Shared by all workers; immutable but for what is atomic.
struct ScanOrder {
  std::uint64_t number = 0;           // of the search
  std::optional<std::uint64_t> kick;  // the id of the one that is to be ended; nothing else counts then
  std::optional<std::uint16_t> listener;
  std::optional<std::uint16_t> pool;
  std::optional<std::vector<std::uint16_t>> servers;  // one of these
  std::optional<base::Cidr> address;                  // of the client
  std::chrono::milliseconds min_age{};
  std::chrono::milliseconds min_idle{};
  std::uint64_t min_bytes = 0;  // both ways together
  ConnectionSort sort = ConnectionSort::id;
  std::size_t room = 0;     // how many are to be found
  std::uint64_t after = 0;  // only ids above this; those below count as matched nevertheless
  base::Time asked;         // ages and idle times are compared as of this
  std::optional<std::weak_ptr<const void>> asker;
  mutable std::atomic<bool> done{false};  // nothing more is to be found

  [[nodiscard]] bool is_wanted() const {
    return !done.load(std::memory_order_relaxed) && !(asker.has_value() && asker->expired());
  }
};

struct FoundConnection {
  std::uint64_t rank = 0;  // the order asked for: what is least comes first, then the lower id
  std::uint64_t id = 0;
  base::PeerAddress client;
  base::PeerAddress server_address;  // none while it is not connected
  base::Time accepted;
  base::Tick last_activity;
  std::array<std::uint64_t, 2> bytes{};
  std::uint32_t connect_us = 0;
  std::uint16_t listener = 0;
  std::uint16_t pool = 0;
  std::uint16_t server = kNoServer;
  std::uint16_t worker = 0;
  Relay::Stage stage = Relay::Stage::waiting;

  friend bool operator<(const FoundConnection& a, const FoundConnection& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.id < b.id;
  }
};

// What one worker has found.
struct ScanResult {
  std::uint64_t number = 0;
  std::vector<FoundConnection> best;  // the first so many by rank, in no order
  std::uint64_t matched = 0;
};
using ScanResults = base::Mailbox<ScanResult>;

class ConnectionScan final : public net::Loop::Source {
 public:
  static constexpr std::uint32_t kTurnMax = 256;

  struct Ways {
    std::function<std::uint16_t(const Relay&)> pool_of;
    std::function<void(base::Key)> kick;
  };
  ConnectionScan(net::Loop& loop, base::Slab<Relay>& relays, std::uint16_t worker, ScanResults* results, Ways ways);

  void begin(std::shared_ptr<const ScanOrder> order);

  void on_ready(net::Token /*token*/, net::Ready /*ready*/) override {}
  void on_resume(net::Token token) override;

 private:
  void look_at(base::Key key, Relay& relay);
  [[nodiscard]] bool matches(const Relay& relay) const;
  [[nodiscard]] std::uint64_t rank_of(const Relay& relay) const;
  void keep(Relay& relay);
  [[nodiscard]] FoundConnection found(Relay& relay, std::uint64_t rank) const;
  void report();

  net::Loop& loop_;
  base::Slab<Relay>& relays_;
  const std::uint8_t source_;
  const std::uint16_t worker_;
  ScanResults* results_;
  Ways ways_;
  std::deque<std::shared_ptr<const ScanOrder>> orders_;  // the first is under way
  std::uint32_t next_ = 0;                               // the index in the slab where it goes on
  ScanResult result_;                                    // of the first
};

}  // namespace holdfast::gateway
