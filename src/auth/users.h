// auth/users.h: the users of a file, by their names.
//
//   [[user]]
//   name = "sensor-7"
//   password_hash = "$2b$10$..."      # holdfast password
//   client_ids = ["s7a", "s7b"]       # the only ones that this user may have; empty: any
//   addresses = ["10.0.0.0/8"]        # from where; empty: from everywhere
//   superuser = false                 # may do everything, whatever the ACL says
//
// Thread: immutable once made; from any thread. Limits: 16 MiB of text, kUsersMax users, 1,000 faults.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/cidr.h"
#include "base/hash.h"
#include "base/peer_address.h"
#include "config/document.h"
#include "config/fault.h"

namespace holdfast::auth {

inline constexpr std::size_t kUsersMax = 1'000'000;

struct User {
  std::string name;
  std::string password_hash;
  std::vector<std::string> client_ids;
  std::vector<base::Cidr> addresses;
  bool superuser = false;
  friend bool operator==(const User&, const User&) = default;
};

// Whether this user may come as `client_id` from `address`. A unix socket is in no network.
[[nodiscard]] bool may_come(const User& user, std::string_view client_id, const base::PeerAddress& address);

class Users {
 public:
  explicit Users(std::vector<User> users);
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  [[nodiscard]] const User* find(std::string_view name) const;
  [[nodiscard]] std::size_t size() const noexcept { return users_.size(); }
  // What the password of somebody who is not here is compared with, so that it takes as long as one who is. Empty when
  // there is nobody.
  [[nodiscard]] const std::string& decoy_hash() const noexcept { return decoy_hash_; }

 private:
  struct Hash {
    std::size_t operator()(std::string_view text) const noexcept { return base::hash_text(text); }
  };

  std::vector<User> users_;
  std::unordered_map<std::string_view, const User*, Hash> by_name_;
  std::string decoy_hash_;
};

// What `text` says, or nothing and faults.
[[nodiscard]] std::shared_ptr<const Users> read_users(std::string_view text, config::Faults& faults);

}  // namespace holdfast::auth
