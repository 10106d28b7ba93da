#include "auth/password_checker.h"

#include <boost/asio.hpp>
#include <utility>

#include "auth/password.h"

namespace holdfast::auth {

using control::Task;

PasswordChecker::PasswordChecker(control::Runtime& runtime, const config::Auth& settings,
                                 std::shared_ptr<const FailedLogins> failures)
    : pool_(std::in_place, runtime,
            control::ThreadPoolLimits{.threads = settings.threads, .waiting_calls_max = settings.pending_max}),
      failures_(std::move(failures)),
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
  co_return checked == Checked::right ? Checked::wrong : checked;
}

Task<Checked> PasswordChecker::hash(std::shared_ptr<PasswordChecker> self,
                                    std::shared_ptr<const Credentials> credentials, std::string hash) {
  base::Result<Checked> checked = base::Error{};
  if (self->pool_) {
    auto call = [failures = self->failures_, credentials, hash]() -> base::Result<Checked> {
      if (failures->too_many(credentials->address, base::Clock::now())) return Checked::too_many_failures;
      return verify(*credentials->password, hash) ? Checked::right : Checked::wrong;
    };
    checked = co_await self->pool_->run(std::move(call), self->timeout_);
  }
  if (!checked) {
    ++(checked.error().code == base::Errc::timeout ? self->counts_.late_total : self->counts_.full_total);
    co_return Checked::busy;
  }
  if (*checked != Checked::too_many_failures) ++self->counts_.hashed_total;
  co_return *checked;
}

}  // namespace holdfast::auth
