// auth/password_checker.h: passwords against hashes, on threads of their own, because that takes 50 ms and more.
//
// Thread:   control. The hashing is done on `threads` threads of a control::ThreadPool.
// Limits:   `pending_max` checks wait; one more is told `busy` at once, and so is one that has waited for `timeout`.
// Lifetime: by shared_ptr; its coroutines keep it. close() before the runtime ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/failed_logins.h"
#include "auth/known_passwords.h"
#include "auth/module.h"
#include "config/settings.h"
#include "control/runtime.h"
#include "control/task.h"
#include "control/thread_pool.h"

namespace holdfast::auth {

enum class Checked : std::uint8_t { right, wrong, busy, too_many_failures };

class PasswordChecker {
 public:
  // What waits is not checked any more once too many logins of its address have failed.
  PasswordChecker(control::Runtime& runtime, const config::Auth& settings,
                  std::shared_ptr<const FailedLogins> failures);

  // Whether the password of `credentials`, which has one, belongs to `hash`.
  static control::Task<Checked> check(std::shared_ptr<PasswordChecker> self,
                                      std::shared_ptr<const Credentials> credentials, std::string hash);
  // Takes as long as check() with a password that is not known from before, and finds out nothing.
  static control::Task<Checked> pretend(std::shared_ptr<PasswordChecker> self,
                                        std::shared_ptr<const Credentials> credentials, std::string hash);

  // Ends the threads; from now on everything is busy.
  void close() { pool_.reset(); }

  struct Counts {
    std::uint64_t hashed_total = 0;
    std::uint64_t known_total = 0;  // needed no hashing
    std::uint64_t full_total = 0;   // too many waited already
    std::uint64_t late_total = 0;   // it took longer than `timeout`
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  static control::Task<Checked> hash(std::shared_ptr<PasswordChecker> self,
                                     std::shared_ptr<const Credentials> credentials, std::string hash);

  std::optional<control::ThreadPool> pool_;
  const std::shared_ptr<const FailedLogins> failures_;
  const std::chrono::milliseconds timeout_;
  KnownPasswords known_;
  Counts counts_;
};

}  // namespace holdfast::auth
