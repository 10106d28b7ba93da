// entry/connection_search.h: finds live connections over all workers of a role, a page at a time, and ends one.
//
// Thread: control; the workers look (connection_scan.h). Answers come on control, some perhaps at once.
// Cost:   of a page: limit + 1 records a worker, merged as they come.
// Pages:  sorted by id, a page ends with `next`: the `after` of the next one. A connection that lives all the time
//         is on exactly one page. The other orders have one page.
// Limits: kUnderWayMax at a time. Beyond, a search is told that it is `busy`, and a kick waits for its turn: who asks
//         for it bounds how many those are (an admin connection has one).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "control/wakeup.h"
#include "entry/connection_query.h"
#include "entry/connection_scan.h"

namespace holdfast::entry {

inline constexpr std::size_t kSearchesMax = 8;

// The slot of that name: the first number that is given when nobody has it.
template <typename Names, typename NameOf>
[[nodiscard]] std::uint16_t slot_named(const Names& names, const std::string& name, NameOf name_of) {
  const auto at = std::ranges::find_if(names, [&](const auto& each) { return name_of(each) == name; });
  return static_cast<std::uint16_t>(at - names.begin());
}

// What all roles are asked for in the same way. `listeners`: the names, by slot.
inline void fill(ScanOrder& order, const ConnectionQuery& query, const std::vector<std::string>& listeners) {
  if (query.listener) order.listener = slot_named(listeners, *query.listener, std::identity());
  order.address = query.address;
  order.min_age = query.min_age.value_or(std::chrono::milliseconds(0));
  order.min_idle = query.min_idle.value_or(std::chrono::milliseconds(0));
  order.min_bytes = query.min_bytes.value_or(0);
  order.sort = query.sort;
  order.room = std::min(query.limit, ConnectionQuery::kLimitMax) + 1;  // one more tells that there is a next page
  if (query.sort == ConnectionSort::id) order.after = query.after.value_or(0);
  order.asker = query.asker;
}

// What all roles tell in the same way; the name of the listener is not.
[[nodiscard]] inline ConnectionInfo info_of(const FoundConnection& found, base::Time now) {
  const auto seconds = [](base::Duration duration) {
    return std::max(0.0, std::chrono::duration<double>(duration).count());
  };
  ConnectionInfo info;
  info.id = found.id;
  info.client = found.client.text();
  info.age_seconds = seconds(now - found.accepted);
  info.idle_seconds = seconds(base::Tick::at(now).since(found.last_activity));
  info.bytes_from_client = found.bytes[0];
  info.bytes_from_server = found.bytes[1];
  info.worker = found.worker;
  return info;
}

template <typename Order, typename Found>
class ConnectionSearches {
 public:
  static constexpr std::size_t kUnderWayMax = kSearchesMax;

  // Who looks, and what is told of one that was found.
  struct World {
    std::function<std::size_t(const std::shared_ptr<const Order>& order)> send;  // to how many workers
    std::function<std::vector<std::string>()> listener_names;                    // by slot
    std::function<ConnectionInfo(const Found& found, base::Time now)> describe;
  };
  ConnectionSearches(control::Runtime& runtime, World world)
      : world_(std::move(world)),
        wakeup_(runtime, [this] { results_.take([this](ScanResult<Found> result) { take(std::move(result)); }); }),
        results_(kResultsMax, wakeup_) {}

  // `order` is made of `query`.
  void find(const ConnectionQuery& query, std::shared_ptr<Order> order, std::function<void(ConnectionPage)> answer) {
    if (under_way_.size() >= kUnderWayMax) return answer(ConnectionPage{.connections = {}, .next = {}, .busy = true});
    const std::uint32_t limit = std::min(query.limit, ConnectionQuery::kLimitMax);
    begin(std::move(order), limit, [this, answer = std::move(answer)](const Search& search) {
      if (search.order->is_wanted()) answer(page_of(search));
    });
  }
  // Whether the one that `order` names was there. It is ended orderly, which may take a while longer.
  void kick(std::shared_ptr<Order> order, std::function<void(bool found)> answer) {
    Kick kick{std::move(order), std::move(answer)};
    if (under_way_.size() >= kUnderWayMax) return kicks_.push_back(std::move(kick));
    begin_kick(std::move(kick));
  }

  // Where the workers' results go.
  [[nodiscard]] base::Mailbox<ScanResult<Found>>& results() noexcept { return results_; }

 private:
  static constexpr std::size_t kResultsMax = kUnderWayMax * 256;  // as many workers

  struct Search {
    std::shared_ptr<const Order> order;
    std::uint32_t limit = 0;
    std::size_t outstanding = 0;  // workers that have not answered
    std::vector<Found> found;
    std::uint64_t matched = 0;
    std::function<void(const Search&)> answer;
  };
  struct Kick {
    std::shared_ptr<Order> order;
    std::function<void(bool)> answer;
  };

  void begin_kick(Kick kick) {
    begin(std::move(kick.order), 0,
          [answer = std::move(kick.answer)](const Search& search) { answer(search.matched > 0); });
  }

  void begin(std::shared_ptr<Order> order, std::uint32_t limit, std::function<void(const Search&)> answer) {
    order->number = ++last_number_;
    order->asked = base::Clock::now();
    Search& search = under_way_[order->number];
    search.order = std::move(order);
    search.limit = limit;
    search.answer = std::move(answer);
    search.outstanding = world_.send(search.order);
  }

  void take(ScanResult<Found> result) {
    const auto place = under_way_.find(result.number);
    Search& search = place->second;
    search.matched += result.matched;
    search.found.insert(search.found.end(), std::make_move_iterator(result.best.begin()),
                        std::make_move_iterator(result.best.end()));
    std::ranges::sort(search.found, std::less<>());
    if (search.found.size() > search.order->room) search.found.resize(search.order->room);
    if (--search.outstanding > 0) return;
    const Search done = std::move(search);
    under_way_.erase(place);
    if (!kicks_.empty()) {
      Kick next = std::move(kicks_.front());
      kicks_.pop_front();
      begin_kick(std::move(next));
    }
    done.answer(done);
  }

  [[nodiscard]] ConnectionPage page_of(const Search& search) const {
    const auto listeners = world_.listener_names();
    const base::Time now = base::Clock::now();
    const std::size_t count = std::min<std::size_t>(search.found.size(), search.limit);
    ConnectionPage page;
    page.matched = search.matched;
    for (std::size_t i = 0; i < count; ++i) {
      const Found& found = search.found[i];
      ConnectionInfo& info = page.connections.emplace_back(world_.describe(found, now));
      if (found.listener < listeners.size()) info.listener = listeners[found.listener];
    }
    const bool more = search.found.size() > count && search.order->sort == ConnectionSort::id;
    if (more && count > 0) page.next = search.found[count - 1].id;
    return page;
  }

  World world_;
  control::Wakeup wakeup_;
  base::Mailbox<ScanResult<Found>> results_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, Search> under_way_;
  std::deque<Kick> kicks_;  // that wait
};

}  // namespace holdfast::entry
