#include "entry/admission.h"

#include <algorithm>
#include <utility>

namespace holdfast::entry {
namespace {

// One more connection of `of`, unless it has `limit`.
bool take_place(std::atomic<std::uint32_t>& of, std::uint32_t limit) noexcept {
  if (of.fetch_add(1, std::memory_order_relaxed) < limit) return true;
  of.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

std::uint32_t burst(base::Rate rate, std::uint32_t configured) noexcept {
  const double second = std::clamp(rate.per_second, 1.0, 1e6);
  return configured > 0 ? configured : static_cast<std::uint32_t>(second);
}

std::size_t table_size(const config::Entrance& entrance) {
  return std::min<std::size_t>(entrance.max_connections, policy::AddressCounts::kAddressesMax);
}

}  // namespace

Admission::Admission(const config::Entrance& entrance, ProcessLimit& process, const base::SipKey& seed)
    : Admission(entrance, std::make_shared<Load>(process, seed), nullptr) {}

Admission::Admission(const config::Entrance& entrance, const Admission& former)
    : Admission(entrance, former.load_, &former) {}

// A table serves on while its keys mean the same and its size fits.
Admission::Admission(const config::Entrance& entrance, std::shared_ptr<Load> load, const Admission* former)
    : max_connections_(entrance.max_connections),
      max_per_address_(entrance.max_connections_per_address),
      prefix_ipv6_(static_cast<std::uint8_t>(entrance.address_prefix_ipv6)),
      table_size_(table_size(entrance)),
      rate_(policy::AcceptRate::per_second(entrance.accept_rate.per_second,
                                           burst(entrance.accept_rate, entrance.accept_burst))),
      pace_(policy::AddressPace::of(entrance.accept_rate_per_address,
                                    burst(entrance.accept_rate_per_address, entrance.accept_burst_per_address))),
      allow_(entrance.allow),
      deny_(entrance.deny),
      trusted_(entrance.proxy_protocol_from),
      allows_all_(entrance.allow.empty()),
      trusts_all_(entrance.proxy_protocol_from.empty()),
      load_(std::move(load)) {
  const bool fits = former != nullptr && former->prefix_ipv6_ == prefix_ipv6_ && former->table_size_ == table_size_;
  if (max_per_address_ > 0) {
    if (fits) counts_ = former->counts_;
    if (!counts_) counts_ = std::make_shared<policy::AddressCounts>(table_size_);
  }
  if (entrance.accept_rate_per_address.per_second > 0) {
    if (fits) rates_ = former->rates_;
    if (!rates_) rates_ = std::make_shared<policy::AddressRates>(table_size_);
  }
}

std::optional<RefuseReason> Admission::enter(base::Time now) const noexcept {
  if (!take_place(load_->connections, max_connections_)) return RefuseReason::max_connections;
  if (!take_place(load_->process.connections, load_->process.max_connections.load(std::memory_order_relaxed))) {
    load_->connections.fetch_sub(1, std::memory_order_relaxed);
    return RefuseReason::process_max_connections;
  }
  if (load_->accepts.try_take(now, rate_)) return std::nullopt;
  leave();
  return RefuseReason::accept_rate;
}

void Admission::leave() const noexcept {
  load_->connections.fetch_sub(1, std::memory_order_relaxed);
  load_->process.connections.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<RefuseReason> Admission::recognise(const base::PeerAddress& client, base::Time now,
                                                 bool& placed) const noexcept {
  placed = false;
  if (deny_.contains(client)) return RefuseReason::denied;
  if (!allows_all_ && !allow_.contains(client)) return RefuseReason::not_allowed;
  if (!counts_ && !rates_) return std::nullopt;
  const std::uint64_t key = key_of(client);
  if (counts_) {
    const auto took = counts_->take(key, max_per_address_);
    if (took == policy::AddressCounts::Take::at_limit) return RefuseReason::max_connections_per_address;
    placed = took == policy::AddressCounts::Take::taken;
    if (!placed) load_->without_room.fetch_add(1, std::memory_order_relaxed);
  }
  if (!rates_) return std::nullopt;
  const auto took = rates_->take(key, pace_, now);
  if (took == policy::AddressRates::Take::no_room) load_->without_room.fetch_add(1, std::memory_order_relaxed);
  if (took != policy::AddressRates::Take::too_fast) return std::nullopt;
  if (placed) counts_->release(key);
  placed = false;
  return RefuseReason::accept_rate_per_address;
}

void Admission::forget(const base::PeerAddress& client) const noexcept { counts_->release(key_of(client)); }

Placed Admission::move_place(const base::PeerAddress& client, const Admission& former, Placed placed) const noexcept {
  constexpr std::uint32_t kAnyNumber = ~0U;
  if (placed == Placed::yes) former.forget(client);
  if (!counts_) return Placed::no;
  const auto took = counts_->take(key_of(client), kAnyNumber);
  if (took == policy::AddressCounts::Take::no_room) load_->without_room.fetch_add(1, std::memory_order_relaxed);
  return took == policy::AddressCounts::Take::taken ? Placed::yes : Placed::no;
}

bool Admission::trusts(const base::PeerAddress& peer) const noexcept {
  return trusts_all_ || peer.family == base::PeerAddress::Family::unix_socket || trusted_.contains(peer);
}

std::uint64_t Admission::key_of(const base::PeerAddress& client) const noexcept {
  return policy::address_key(client, prefix_ipv6_, load_->seed);
}

}  // namespace holdfast::entry
