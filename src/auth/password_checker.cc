#include "auth/password_checker.h"

#include <boost/asio.hpp>
#include <utility>

#include "auth/password.h"

namespace holdfast::auth {

using control::Task;

PasswordChecker::PasswordChecker(control::Runtime& runtime, const config::Auth& settings)
    : pool_(std::in_place, runtime,
            control::ThreadPoolLimits{.threads = settings.threads, .waiting_calls_max = settings.pending_max}),
      timeout_(config::milliseconds(settings.timeout)),
      known_(settings.cache_time, settings.cache_max) {}

Task<Checked> PasswordChecker::check(std::shared_ptr<PasswordChecker> self,
                                     std::shared_ptr<const Credentials> credentials, std::string hash) {
  if (self->known_.knows(*credentials->password, hash, base::Clock::now())) {
    ++self->counts_.known_total;
    co_return Checked::right;
  }
  const Checked checked = co_await PasswordChecker::hash(self, credentials, hash);
  if (checked == Checked::right) self->known_.add(*credentials->password, hash, base::Clock::now());
  co_return checked;
}

Task<Checked> PasswordChecker::pretend(std::shared_ptr<PasswordChecker> self,
                                       std::shared_ptr<const Credentials> credentials, std::string hash) {
  const Checked checked = co_await PasswordChecker::hash(self, credentials, hash);
  co_return checked == Checked::busy ? Checked::busy : Checked::wrong;
}

Task<Checked> PasswordChecker::hash(std::shared_ptr<PasswordChecker> self,
                                    std::shared_ptr<const Credentials> credentials, std::string hash) {
  base::Result<bool> matches = base::Error{};
  if (self->pool_) {
    auto call = [credentials, hash]() -> base::Result<bool> { return verify(*credentials->password, hash); };
    matches = co_await self->pool_->run(std::move(call), self->timeout_);
  }
  if (!matches) {
    ++self->counts_.busy_total;
    co_return Checked::busy;
  }
  ++self->counts_.hashed_total;
  co_return *matches ? Checked::right : Checked::wrong;
}

}  // namespace holdfast::auth
