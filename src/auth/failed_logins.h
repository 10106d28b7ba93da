// auth/failed_logins.h: how often logins from one address may fail before it is not listened to for a while, so that
// nobody can guess passwords as fast as they can be checked, nor keep the checks busy for everybody else.
//
// A failed login is a CONNECT with a password that is refused for what it says. Those that succeed cost nothing.
//
// Thread: too_many() any; the rest control. Cost: 100 ns.
// Limits: memory is fixed, 1 MiB: 65,536 addresses within the time in which their bursts are paid back; beyond them
//         failures are let pass and counted. A /64 of IPv6 is one address; clients of a unix socket have none, and are
//         never refused here. Checks that are under way when the limit is reached come to their end.
// Source: the token bucket of policy::AddressRates.
#pragma once

#include <cstdint>
#include <optional>

#include "auth/module.h"
#include "base/peer_address.h"
#include "base/siphash.h"
#include "base/time.h"
#include "config/settings.h"
#include "policy/address_key.h"
#include "policy/address_rates.h"
#include "policy/cidr_set.h"
#include "policy/rate_limit.h"

namespace holdfast::auth {

class FailedLogins {
 public:
  explicit FailedLogins(const config::Auth& settings);

  // Whether so many have failed of late that the client is to be refused unheard.
  [[nodiscard]] bool too_many(const base::PeerAddress& client, base::Time now) const noexcept;
  // One has failed. Says so in the log when it is one too many; at most ten such lines at once, and one in 10 s.
  void note(const Credentials& credentials, base::Time now);

  struct Counts {
    std::uint64_t failed_total = 0;
    std::uint64_t untracked_total = 0;  // of these, for want of room
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  [[nodiscard]] std::uint64_t key_of(const base::PeerAddress& client) const noexcept;

  const base::SipKey seed_;
  const policy::AddressPace pace_;
  const policy::CidrSet exempt_;
  std::optional<policy::AddressRates> rates_;  // none: no limit
  policy::RateLimit lines_;
  Counts counts_;
};

}  // namespace holdfast::auth
