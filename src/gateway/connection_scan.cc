#include "gateway/connection_scan.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "net/address.h"

namespace holdfast::gateway {
namespace {

// Before it is relayed, a relay keeps something else there.
std::uint64_t bytes_of(const Relay& relay, End end) {
  return relay.stage < Relay::Stage::relaying ? 0 : relay.bytes[static_cast<std::size_t>(end)];
}

std::uint64_t all_bytes(const Relay& relay) { return bytes_of(relay, End::client) + bytes_of(relay, End::server); }

}  // namespace

ConnectionScan::ConnectionScan(net::Loop& loop, base::Slab<Relay>& relays, std::uint16_t worker, ScanResults* results,
                               Ways ways)
    : loop_(loop),
      relays_(relays),
      source_(loop.add_source(*this)),
      worker_(worker),
      results_(results),
      ways_(std::move(ways)) {}

void ConnectionScan::begin(std::shared_ptr<const ScanOrder> order) {
  orders_.push_back(std::move(order));
  if (orders_.size() == 1) loop_.resume(net::Token{source_, 0, {}});
}

void ConnectionScan::on_resume(net::Token token) {
  const ScanOrder& order = *orders_.front();
  if (next_ == 0) result_.best.reserve(order.room);
  if (order.is_wanted()) {
    relays_.for_each_of(next_, kTurnMax, [this](base::Key key, Relay& relay) { look_at(key, relay); });
    next_ += kTurnMax;
  }
  if (next_ >= relays_.capacity() || !order.is_wanted()) report();
  if (!orders_.empty()) loop_.resume(token);
}

void ConnectionScan::look_at(base::Key key, Relay& relay) {
  const ScanOrder& order = *orders_.front();
  if (!order.kick) {
    if (matches(relay)) keep(relay);
  } else if (relay.id == *order.kick) {
    ++result_.matched;
    order.done.store(true, std::memory_order_relaxed);
    ways_.kick(key);
  }
}

bool ConnectionScan::matches(const Relay& relay) const {
  const ScanOrder& order = *orders_.front();
  if (order.listener && relay.listener != *order.listener) return false;
  if (order.pool && ways_.pool_of(relay) != *order.pool) return false;
  if (order.servers && std::ranges::find(*order.servers, relay.server) == order.servers->end()) return false;
  if (order.address && !order.address->contains(relay.client)) return false;
  if (order.min_age.count() > 0 && order.asked - relay.accepted < order.min_age) return false;
  const auto idle = base::Tick::at(order.asked).since(relay.last_activity);
  if (order.min_idle.count() > 0 && idle < order.min_idle) return false;
  return all_bytes(relay) >= order.min_bytes;
}

std::uint64_t ConnectionScan::rank_of(const Relay& relay) const {
  const ScanOrder& order = *orders_.front();
  switch (order.sort) {
    case ConnectionSort::id: return relay.id;
    case ConnectionSort::age: return static_cast<std::uint64_t>(relay.accepted.time_since_epoch().count());
    case ConnectionSort::bytes: return ~all_bytes(relay);
    case ConnectionSort::idle: break;
  }
  constexpr std::int64_t kMiddle = std::int64_t{1} << 40;  // those that have talked since it was asked come after it
  return static_cast<std::uint64_t>(kMiddle - base::Tick::at(order.asked).since(relay.last_activity).count());
}

// In a heap of the best, the last of them on top: it makes room for a better one.
void ConnectionScan::keep(Relay& relay) {
  const ScanOrder& order = *orders_.front();
  ++result_.matched;
  if (relay.id <= order.after || order.room == 0) return;
  auto& best = result_.best;
  const std::uint64_t rank = rank_of(relay);
  if (best.size() == order.room) {
    const FoundConnection& last = best.front();
    if (rank != last.rank ? rank > last.rank : relay.id > last.id) return;
    std::pop_heap(best.begin(), best.end());
    best.pop_back();
  }
  best.push_back(found(relay, rank));
  std::push_heap(best.begin(), best.end());
}

FoundConnection ConnectionScan::found(Relay& relay, std::uint64_t rank) const {
  FoundConnection found{.rank = rank,
                        .id = relay.id,
                        .client = relay.client,
                        .server_address = {},
                        .accepted = relay.accepted,
                        .last_activity = relay.last_activity,
                        .bytes = {bytes_of(relay, End::client), bytes_of(relay, End::server)},
                        .connect_us = relay.connect_us,
                        .listener = relay.listener,
                        .pool = ways_.pool_of(relay),
                        .server = relay.server,
                        .worker = worker_,
                        .stage = relay.stage};
  const net::Transport& server = relay.leg(End::server).transport;
  const auto address = net::SocketAddress::remote_of(server.fd());
  if (address) found.server_address = address->peer();
  return found;
}

void ConnectionScan::report() {
  result_.number = orders_.front()->number;
  if (!results_->post(std::exchange(result_, {}))) std::abort();  // it has room for all that are under way
  next_ = 0;
  orders_.pop_front();
}

}  // namespace holdfast::gateway
