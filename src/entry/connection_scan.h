// entry/connection_scan.h: looks through the connections of one worker for those that somebody asks about.
//
// A role derives its scan, says what it knows of a record, and adds to order and result what only it has.
//
// Thread: the worker's; what it finds goes to control by a mailbox.
// Cost:   at most kTurnMax records a turn, however many searches there are: who is served does not wait for them (some
//         50 us; gateway/connection_scan_test.cc measures it). The search under way has room for one page, and nothing
//         is allocated besides.
// Order:  one search after the other. A connection that lives from the begin of one to its end is seen exactly once.
// Limits: as many searches as ConnectionSearches has under way. One that nobody waits for any more stops.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/cidr.h"
#include "base/mailbox.h"
#include "base/peer_address.h"
#include "base/slab.h"
#include "base/time.h"
#include "entry/connection_query.h"
#include "net/loop.h"

namespace holdfast::entry {

// What is looked for, with names as slots. Shared by all workers; immutable but for what is atomic.
struct ScanOrder {
  std::uint64_t number = 0;           // of the search
  std::optional<std::uint64_t> kick;  // the id of the one that is to be ended; nothing else counts then
  std::optional<std::uint16_t> listener;
  std::optional<base::Cidr> address;  // of the client
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

// What every role knows of a connection.
struct FoundConnection {
  std::uint64_t rank = 0;  // the order asked for: what is least comes first, then the lower id
  std::uint64_t id = 0;
  base::PeerAddress client;
  base::Time accepted;
  base::Tick last_activity;
  std::array<std::uint64_t, 2> bytes{};  // from the client, and to it
  std::uint16_t listener = 0;
  std::uint16_t worker = 0;

  friend bool operator<(const FoundConnection& a, const FoundConnection& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.id < b.id;
  }
};

// What one worker has found.
template <typename Found>
struct ScanResult {
  std::uint64_t number = 0;
  std::vector<Found> best;  // the first so many by rank, in no order
  std::uint64_t matched = 0;
};

// Order is a ScanOrder, Found a FoundConnection.
template <typename Record, typename Order, typename Found>
class ConnectionScan : public net::Loop::Source {
 public:
  static constexpr std::uint32_t kTurnMax = 256;
  using Results = base::Mailbox<ScanResult<Found>>;

  ConnectionScan(net::Loop& loop, base::Slab<Record>& records, std::uint16_t worker, Results* results)
      : loop_(loop), records_(records), source_(loop.add_source(*this)), worker_(worker), results_(results) {}

  void begin(std::shared_ptr<const Order> order) {
    orders_.push_back(std::move(order));
    if (orders_.size() == 1) loop_.resume(net::Token{source_, 0, {}});
  }

  void on_ready(net::Token /*token*/, net::Ready /*ready*/) final {}
  void on_resume(net::Token token) final {
    const Order& order = *orders_.front();
    if (next_ == 0) result_.best.reserve(order.room);
    if (order.is_wanted()) {
      records_.for_each_of(next_, kTurnMax, [this](base::Key key, Record& record) { look_at(key, record); });
      next_ += kTurnMax;
    }
    if (next_ >= records_.capacity() || !order.is_wanted()) report();
    if (!orders_.empty()) loop_.resume(token);
  }

 protected:
  ~ConnectionScan() = default;

  // What is compared, of every record; rank and worker are not.
  [[nodiscard]] virtual FoundConnection seen(const Record& record, const Order& order) const = 0;
  // Whether it is what only this role knows to ask for.
  [[nodiscard]] virtual bool matches(const Record& record, const Order& order) const = 0;
  // The rest of what is told of one that was found.
  virtual void complete(Record& record, Found& found) const = 0;
  virtual void kick(base::Key key) = 0;
  // Whether it is the one that is to be ended, of an order that is a kick.
  [[nodiscard]] virtual bool is_kicked(const Record& record, const Order& order) const {
    return order.kick && seen(record, order).id == *order.kick;
  }
  [[nodiscard]] virtual bool is_kick(const Order& order) const { return order.kick.has_value(); }

 private:
  void look_at(base::Key key, Record& record) {
    const Order& order = *orders_.front();
    if (is_kick(order)) {
      if (!is_kicked(record, order)) return;
      ++result_.matched;
      order.done.store(true, std::memory_order_relaxed);
      return kick(key);
    }
    const FoundConnection seen = this->seen(record, order);
    if (fits(seen, order) && matches(record, order)) keep(record, seen);
  }

  [[nodiscard]] static std::uint64_t all_bytes(const FoundConnection& seen) { return seen.bytes[0] + seen.bytes[1]; }

  [[nodiscard]] static bool fits(const FoundConnection& seen, const ScanOrder& order) {
    if (order.listener && seen.listener != *order.listener) return false;
    if (order.address && !order.address->contains(seen.client)) return false;
    if (order.min_age.count() > 0 && order.asked - seen.accepted < order.min_age) return false;
    const auto idle = base::Tick::at(order.asked).since(seen.last_activity);
    if (order.min_idle.count() > 0 && idle < order.min_idle) return false;
    return all_bytes(seen) >= order.min_bytes;
  }

  [[nodiscard]] static std::uint64_t rank_of(const FoundConnection& seen, const ScanOrder& order) {
    switch (order.sort) {
      case ConnectionSort::id: return seen.id;
      case ConnectionSort::age: return static_cast<std::uint64_t>(seen.accepted.time_since_epoch().count());
      case ConnectionSort::bytes: return ~all_bytes(seen);
      case ConnectionSort::idle: break;
    }
    constexpr std::int64_t kMiddle = std::int64_t{1} << 40;  // those that have talked since it was asked come after it
    return static_cast<std::uint64_t>(kMiddle - base::Tick::at(order.asked).since(seen.last_activity).count());
  }

  // In a heap of the best, the last of them on top: it makes room for a better one.
  void keep(Record& record, FoundConnection seen) {
    const Order& order = *orders_.front();
    ++result_.matched;
    if (seen.id <= order.after || order.room == 0) return;
    seen.rank = rank_of(seen, order);
    seen.worker = worker_;
    auto& best = result_.best;
    if (best.size() == order.room) {
      if (!(seen < best.front())) return;
      std::pop_heap(best.begin(), best.end());
      best.pop_back();
    }
    Found& found = best.emplace_back();
    static_cast<FoundConnection&>(found) = seen;
    complete(record, found);
    std::push_heap(best.begin(), best.end());
  }

  void report() {
    result_.number = orders_.front()->number;
    if (!results_->post(std::exchange(result_, {}))) std::abort();  // it has room for all that are under way
    next_ = 0;
    orders_.pop_front();
  }

  net::Loop& loop_;
  base::Slab<Record>& records_;
  const std::uint8_t source_;
  const std::uint16_t worker_;
  Results* results_;
  std::deque<std::shared_ptr<const Order>> orders_;  // the first is under way
  std::uint32_t next_ = 0;                           // the index in the slab where it goes on
  ScanResult<Found> result_;                         // of the first
};

}  // namespace holdfast::entry
