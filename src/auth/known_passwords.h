// auth/known_passwords.h: passwords that were right a moment ago, so that a storm of clients that come again does not
// cost a hash each.
//
// Kept is a keyed hash of the password and of what it was compared with; neither can be found out from it, and who gets
// a new hash is not known any more. Wrong passwords are never kept.
//
// Thread: one owner. Cost: about 100 bytes each; O(1). Limits: as given; beyond them the oldest are forgotten.
#pragma once

#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/siphash.h"
#include "base/time.h"

namespace holdfast::auth {

class KnownPasswords {
 public:
  // `time` 0: nothing is known, ever. What was right is known for that long from then on, however often it is asked
  // for.
  KnownPasswords(base::Duration time, std::size_t entries_max) : time_(time), entries_max_(entries_max) {}

  [[nodiscard]] bool knows(std::string_view password, std::string_view hash, base::Time now) const;
  void add(std::string_view password, std::string_view hash, base::Time now);
  [[nodiscard]] std::size_t size() const noexcept { return until_.size(); }

 private:
  struct Low {
    std::size_t operator()(const base::SipHash128& hash) const noexcept { return hash.low; }
  };

  [[nodiscard]] base::SipHash128 key_of(std::string_view password, std::string_view hash) const;
  void forget(base::Time now);

  const base::SipKey key_ = base::random_sip_key();
  const base::Duration time_;
  const std::size_t entries_max_;
  std::unordered_map<base::SipHash128, base::Time, Low> until_;
  std::deque<std::pair<base::Time, base::SipHash128>> oldest_;  // in the order in which they end
};

}  // namespace holdfast::auth
