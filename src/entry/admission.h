// entry/admission.h: who may come in by a listener. Everything that can refuse a client before it is served.
//
// Thread: any worker; shared by all of them, without locks. The rules are immutable; what they count is not, and goes
//         on when the listener gets other rules.
// Cost:   the lists a binary search each, the counts and rates some atomic words; no allocation, no system call.
// Limits: per address, as many addresses are told apart as the tables have room for (docs/MEMORY.md); a client that
//         finds no room is let in and counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/peer_address.h"
#include "base/siphash.h"
#include "base/time.h"
#include "config/settings.h"
#include "entry/refuse_reason.h"
#include "policy/address_counts.h"
#include "policy/address_key.h"
#include "policy/address_rates.h"
#include "policy/cidr_set.h"
#include "policy/rate_limit.h"

namespace holdfast::entry {

// Over all listeners.
struct ProcessLimit {
  std::atomic<std::uint32_t> max_connections{~0U};
  std::atomic<std::uint32_t> connections{0};
  policy::RateLimit closes{};  // paces the closing of all connections of the node, over all workers
};

// Whether a connection has a place among those of its address.
enum class Placed : bool { no, yes };

class Admission {
 public:
  Admission(const config::Entrance& entrance, ProcessLimit& process, const base::SipKey& seed);
  // The same listener under other rules: what `former` has counted is kept, and goes on.
  Admission(const config::Entrance& entrance, const Admission& former);

  // Takes one of the places of the listener and of the process, or says why there is none.
  [[nodiscard]] std::optional<RefuseReason> enter(base::Time now) const noexcept;
  void leave() const noexcept;

  // Once it is known who the client is: takes its place among those of its address. `placed` says whether it did, and
  // forget() must give it back.
  [[nodiscard]] std::optional<RefuseReason> recognise(const base::PeerAddress& client, base::Time now,
                                                      bool& placed) const noexcept;
  void forget(const base::PeerAddress& client) const noexcept;

  // Whether the connections of each address are counted in another way than by `former`: then every connection that
  // lives has its place moved before it may be forgotten by these rules.
  [[nodiscard]] bool counts_apart_from(const Admission& former) const noexcept { return counts_ != former.counts_; }
  // Gives a place at `former` back, if there is one, and takes one here, whatever the limit says: it is in already.
  // Whether it has a place now.
  [[nodiscard]] Placed move_place(const base::PeerAddress& client, const Admission& former,
                                  Placed placed) const noexcept;

  // Whether the PROXY headers of this peer are believed; of whoever may open a unix socket of ours they always are.
  [[nodiscard]] bool trusts(const base::PeerAddress& peer) const noexcept;

  // What paces the closing of the listener's connections over all workers, or of the node's.
  [[nodiscard]] policy::RateLimit& closes() const noexcept { return load_->closes; }
  [[nodiscard]] policy::RateLimit& node_closes() const noexcept { return load_->process.closes; }

  [[nodiscard]] std::uint32_t connections() const noexcept {
    return load_->connections.load(std::memory_order_relaxed);
  }
  // How often a table per address had no room.
  [[nodiscard]] std::uint64_t without_room() const noexcept {
    return load_->without_room.load(std::memory_order_relaxed);
  }

 private:
  // What is counted, whatever the rules are.
  struct Load {
    Load(ProcessLimit& limit, const base::SipKey& hash_seed) : process(limit), seed(hash_seed) {}
    ProcessLimit& process;
    const base::SipKey seed;
    policy::RateLimit accepts;
    policy::RateLimit closes;
    std::atomic<std::uint32_t> connections{0};
    std::atomic<std::uint64_t> without_room{0};
  };

  Admission(const config::Entrance& entrance, std::shared_ptr<Load> load, const Admission* former);
  [[nodiscard]] std::uint64_t key_of(const base::PeerAddress& client) const noexcept;

  const std::uint32_t max_connections_;
  const std::uint32_t max_per_address_;
  const std::uint8_t prefix_ipv6_;
  const std::size_t table_size_;
  const policy::AcceptRate rate_;
  const policy::AddressPace pace_;
  const policy::CidrSet allow_;
  const policy::CidrSet deny_;
  const policy::CidrSet trusted_;
  const bool allows_all_;
  const bool trusts_all_;
  const std::shared_ptr<Load> load_;
  std::shared_ptr<policy::AddressCounts> counts_;  // null: not counted
  std::shared_ptr<policy::AddressRates> rates_;
};

}  // namespace holdfast::entry
