// gateway/admission.h: who may come in by a listener. Everything that can refuse a client before a server is sought.
//
// Thread: any worker; shared by all of them, without locks. The lists are immutable.
// Cost:   the lists a binary search each, the counts and rates some atomic words; no allocation, no system call.
// Limits: per address, as many addresses are told apart as the tables have room for (docs/MEMORY.md); a client that
//         finds no room is let in and counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/peer_address.h"
#include "base/time.h"
#include "config/settings.h"
#include "gateway/reason.h"
#include "policy/address_counts.h"
#include "policy/address_key.h"
#include "policy/address_rates.h"
#include "policy/cidr_set.h"
#include "policy/rate_limit.h"

namespace holdfast::gateway {

// Over all listeners.
struct ProcessLimit {
  std::uint32_t max_connections = ~0U;
  std::atomic<std::uint32_t> connections{0};
  policy::RateLimit closes{};  // paces the closing of all connections of the node, over all workers
};

class Admission {
 public:
  Admission(const config::Listener& listener, ProcessLimit& process, const policy::HashSeed& seed);

  // Takes one of the places of the listener and of the process, or says why there is none.
  [[nodiscard]] std::optional<RefuseReason> enter(base::Time now) noexcept;
  void leave() noexcept;

  // Once it is known who the client is: takes its place among those of its address. `placed` says whether it did, and
  // forget() must give it back.
  [[nodiscard]] std::optional<RefuseReason> recognise(const base::PeerAddress& client, base::Time now,
                                                      bool& placed) noexcept;
  void forget(const base::PeerAddress& client) noexcept;

  // Whether the PROXY headers of this peer are believed; of whoever may open a unix socket of ours they always are.
  [[nodiscard]] bool trusts(const base::PeerAddress& peer) const noexcept;

  // What paces the closing of the listener's connections over all workers, or of the node's.
  [[nodiscard]] policy::RateLimit& closes() noexcept { return closes_; }
  [[nodiscard]] policy::RateLimit& node_closes() noexcept { return process_.closes; }

  [[nodiscard]] std::uint32_t connections() const noexcept { return connections_.load(std::memory_order_relaxed); }
  // How often a table per address had no room.
  [[nodiscard]] std::uint64_t without_room() const noexcept { return without_room_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::uint64_t key_of(const base::PeerAddress& client) const noexcept;

  const std::uint32_t max_connections_;
  const std::uint32_t max_per_address_;
  const std::uint8_t prefix_ipv6_;
  const policy::AcceptRate rate_;
  const policy::AddressPace pace_;
  const policy::CidrSet allow_;
  const policy::CidrSet deny_;
  const policy::CidrSet trusted_;
  const bool allows_all_;
  const bool trusts_all_;
  const policy::HashSeed seed_;
  ProcessLimit& process_;
  std::optional<policy::AddressCounts> counts_;
  std::optional<policy::AddressRates> rates_;
  policy::RateLimit accepts_;
  policy::RateLimit closes_;
  std::atomic<std::uint32_t> connections_{0};
  std::atomic<std::uint64_t> without_room_{0};
};

}  // namespace holdfast::gateway
