// auth/files.h: what [auth] names: the files of users and of rules, read as one immutable whole.
//
// A change of them is a new whole that takes the place of the old one: Chain::use() and a Snapshot of the Acl.
//
// Thread: load_files() from any; it reads files and may block. What it yields is immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/acl.h"
#include "auth/users.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::auth {

struct Files {
  std::vector<std::shared_ptr<const Users>> users;  // one for each [[auth.chain]], in their order
  std::shared_ptr<const Acl> acl;                   // never null
};

struct LoadedFiles {
  std::shared_ptr<const Files> files;  // there if, and only if, there are no faults
  std::vector<config::Fault> faults;   // of all files, each with the name of its own
};

[[nodiscard]] LoadedFiles load_files(const config::Auth& settings);

}  // namespace holdfast::auth
