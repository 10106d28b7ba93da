#include "auth/known_passwords.h"

#include <string.h>  // explicit_bzero

#include <string>

namespace holdfast::auth {

// The hash has no NUL, so that no two pairs give the same text.
base::SipHash128 KnownPasswords::key_of(std::string_view password, std::string_view hash) const {
  std::string text;
  text.reserve(hash.size() + 1 + password.size());
  text.append(hash).append(1, '\0').append(password);
  const base::SipHash128 key = base::SipHash24::wide(key_, std::as_bytes(std::span(text)));
  ::explicit_bzero(text.data(), text.size());
  return key;
}

bool KnownPasswords::knows(std::string_view password, std::string_view hash, base::Time now) const {
  if (until_.empty()) return false;
  const auto found = until_.find(key_of(password, hash));
  return found != until_.end() && now < found->second;
}

void KnownPasswords::add(std::string_view password, std::string_view hash, base::Time now) {
  if (time_ == base::Duration::zero() || entries_max_ == 0) return;
  forget(now);
  const base::SipHash128 key = key_of(password, hash);
  if (!until_.try_emplace(key, now + time_).second) return;  // it was added while this one was being checked
  oldest_.emplace_back(now + time_, key);
}

// What is over, and the oldest one when there is no room for another.
void KnownPasswords::forget(base::Time now) {
  while (!oldest_.empty() && (oldest_.front().first <= now || oldest_.size() >= entries_max_)) {
    until_.erase(oldest_.front().second);
    oldest_.pop_front();
  }
}

}  // namespace holdfast::auth
