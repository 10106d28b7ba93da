// auth/file_module.h: `module = "file"`: the users of a file.
//
// A client without a user name, and one whose name is not in the file, is ignored; the latter takes as long as one
// whose password is wrong. A user who gives no password is refused. The password is checked before client id and
// address, so that nobody learns of these without it.
//
// Thread: the control thread.
#pragma once

#include <memory>

#include "auth/module.h"
#include "auth/password_checker.h"
#include "auth/users.h"

namespace holdfast::auth {

class FileModule : public Module {
 public:
  FileModule(std::shared_ptr<const Users> users, std::shared_ptr<PasswordChecker> checker)
      : users_(std::move(users)), checker_(std::move(checker)) {}

  // For clients that come from now on.
  void use(std::shared_ptr<const Users> users) { users_ = std::move(users); }
  control::Task<Verdict> authenticate(std::shared_ptr<const Credentials> credentials) override;

 private:
  std::shared_ptr<const Users> users_;
  std::shared_ptr<PasswordChecker> checker_;
};

}  // namespace holdfast::auth
