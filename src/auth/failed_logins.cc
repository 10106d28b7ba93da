#include "auth/failed_logins.h"

#include <algorithm>

#include "base/log.h"

namespace holdfast::auth {
namespace {

constexpr std::size_t kAddressesMax = 65'536;
constexpr std::uint8_t kPrefixIpv6 = 64;
constexpr policy::AcceptRate kLines{.interval_us = 10'000'000, .burst = 10};

policy::AddressPace pace_of(const config::Auth& settings) {
  const base::Rate rate = settings.failure_rate_per_address;
  if (rate.per_second <= 0) return {};
  const auto second = static_cast<std::uint32_t>(std::max(rate.per_second, 1.0));
  return policy::AddressPace::of(rate,
                                 settings.failure_burst_per_address > 0 ? settings.failure_burst_per_address : second);
}

}  // namespace

FailedLogins::FailedLogins(const config::Auth& settings)
    : seed_(base::random_sip_key()), pace_(pace_of(settings)), exempt_(settings.failure_exempt) {
  if (settings.failure_rate_per_address.per_second > 0) rates_.emplace(kAddressesMax);
}

std::uint64_t FailedLogins::key_of(const base::PeerAddress& client) const noexcept {
  if (exempt_.contains(client)) return policy::kNoAddress;
  return policy::address_key(client, kPrefixIpv6, seed_);
}

bool FailedLogins::too_many(const base::PeerAddress& client, base::Time now) const noexcept {
  return rates_ && !rates_->would_take(key_of(client), pace_, now);
}

void FailedLogins::note(const Credentials& credentials, base::Time now) {
  ++counts_.failed_total;
  if (!rates_) return;
  const std::uint64_t key = key_of(credentials.address);
  using Take = policy::AddressRates::Take;
  const Take took = rates_->take(key, pace_, now);
  if (took == Take::no_room) ++counts_.untracked_total;
  if (took != Take::taken || rates_->would_take(key, pace_, now) || !lines_.try_take(now, kLines)) return;
  base::log_warning("too many logins of an address have failed: it is refused for a while",
                    {{"listener", credentials.listener},
                     {"client", credentials.address.text()},
                     {"client_id", credentials.client_id}});
}

}  // namespace holdfast::auth
