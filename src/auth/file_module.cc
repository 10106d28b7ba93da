#include "auth/file_module.h"

#include <boost/asio.hpp>

namespace holdfast::auth {
namespace {

using control::Task;

Task<Verdict> answer(Verdict verdict) { co_return verdict; }

Verdict refusal(Checked checked) noexcept {
  switch (checked) {
    case Checked::right:
    case Checked::wrong: return Verdict::bad_credentials;
    case Checked::too_many_failures: return Verdict::too_many_failures;
    case Checked::busy: break;
  }
  return Verdict::busy;
}

Task<Verdict> unknown(std::shared_ptr<const Users> users, std::shared_ptr<PasswordChecker> checker,
                      std::shared_ptr<const Credentials> credentials) {
  const Checked checked = co_await PasswordChecker::pretend(checker, credentials, users->decoy_hash());
  co_return checked == Checked::wrong ? Verdict::ignore : refusal(checked);
}

Task<Verdict> known(std::shared_ptr<const User> user, std::shared_ptr<PasswordChecker> checker,
                    std::shared_ptr<const Credentials> credentials) {
  const Checked checked = co_await PasswordChecker::check(checker, credentials, user->password_hash);
  if (checked != Checked::right) co_return refusal(checked);
  if (!may_come(*user, credentials->client_id, credentials->address)) co_return Verdict::not_authorized;
  co_return user->superuser ? Verdict::ok_superuser : Verdict::ok;
}

}  // namespace

Task<Verdict> FileModule::authenticate(std::shared_ptr<const Credentials> credentials) {
  if (!credentials->user) return answer(Verdict::ignore);
  const User* user = users_->find(*credentials->user);
  if (!credentials->password) return answer(user != nullptr ? Verdict::bad_credentials : Verdict::ignore);
  if (user != nullptr) return known({users_, user}, checker_, std::move(credentials));  // the user is a part of all
  if (users_->decoy_hash().empty()) return answer(Verdict::ignore);
  return unknown(users_, checker_, std::move(credentials));
}

}  // namespace holdfast::auth
