#include "gateway/admission.h"

#include <algorithm>

namespace holdfast::gateway {
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

std::size_t table_size(const config::Listener& listener) {
  return std::min<std::size_t>(listener.max_connections, policy::AddressCounts::kAddressesMax);
}

}  // namespace

Admission::Admission(const config::Listener& listener, ProcessLimit& process, const policy::HashSeed& seed)
    : max_connections_(listener.max_connections),
      max_per_address_(listener.max_connections_per_address),
      prefix_ipv6_(static_cast<std::uint8_t>(listener.address_prefix_ipv6)),
      rate_(policy::AcceptRate::per_second(listener.accept_rate.per_second,
                                           burst(listener.accept_rate, listener.accept_burst))),
      pace_(policy::AddressPace::of(listener.accept_rate_per_address,
                                    burst(listener.accept_rate_per_address, listener.accept_burst_per_address))),
      allow_(listener.allow),
      deny_(listener.deny),
      trusted_(listener.proxy_protocol_from),
      allows_all_(listener.allow.empty()),
      trusts_all_(listener.proxy_protocol_from.empty()),
      seed_(seed),
      process_(process) {
  if (max_per_address_ > 0) counts_.emplace(table_size(listener));
  if (listener.accept_rate_per_address.per_second > 0) rates_.emplace(table_size(listener));
}

std::optional<RefuseReason> Admission::enter(base::Time now) noexcept {
  if (!take_place(connections_, max_connections_)) return RefuseReason::max_connections;
  if (!take_place(process_.connections, process_.max_connections)) {
    connections_.fetch_sub(1, std::memory_order_relaxed);
    return RefuseReason::process_max_connections;
  }
  if (accepts_.try_take(now, rate_)) return std::nullopt;
  leave();
  return RefuseReason::accept_rate;
}

void Admission::leave() noexcept {
  connections_.fetch_sub(1, std::memory_order_relaxed);
  process_.connections.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<RefuseReason> Admission::recognise(const base::PeerAddress& client, base::Time now,
                                                 bool& placed) noexcept {
  placed = false;
  if (deny_.contains(client)) return RefuseReason::denied;
  if (!allows_all_ && !allow_.contains(client)) return RefuseReason::not_allowed;
  if (!counts_ && !rates_) return std::nullopt;
  const std::uint64_t key = key_of(client);
  if (counts_) {
    const auto took = counts_->take(key, max_per_address_);
    if (took == policy::AddressCounts::Take::at_limit) return RefuseReason::max_connections_per_address;
    placed = took == policy::AddressCounts::Take::taken;
    if (!placed) without_room_.fetch_add(1, std::memory_order_relaxed);
  }
  if (!rates_) return std::nullopt;
  const auto took = rates_->take(key, pace_, now);
  if (took == policy::AddressRates::Take::no_room) without_room_.fetch_add(1, std::memory_order_relaxed);
  if (took != policy::AddressRates::Take::too_fast) return std::nullopt;
  if (placed) counts_->release(key);
  placed = false;
  return RefuseReason::accept_rate_per_address;
}

void Admission::forget(const base::PeerAddress& client) noexcept { counts_->release(key_of(client)); }

bool Admission::trusts(const base::PeerAddress& peer) const noexcept {
  return trusts_all_ || peer.family == base::PeerAddress::Family::unix_socket || trusted_.contains(peer);
}

std::uint64_t Admission::key_of(const base::PeerAddress& client) const noexcept {
  return policy::address_key(client, prefix_ipv6_, seed_);
}

}  // namespace holdfast::gateway
