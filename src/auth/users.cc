#include "auth/users.h"

#include <algorithm>

#include "auth/password.h"
#include "config/endpoint_kinds.h"
#include "config/tables.h"
#include "config/toml_reader.h"

namespace holdfast::auth {
namespace {

using config::Applies;
using config::kEmptyList;
using config::Kind;
using config::kRequired;
using config::Reading;
using config::Shape;
using config::Table;
using config::Value;

constexpr std::size_t kNameBytesMax = 65'535;  // of MQTT
constexpr std::size_t kItemsMax = 10'000;

// A hash is a secret: what was found instead is not shown.
Kind<std::string> password_hash() {
  const Shape shape{"hash", "the hash of a password, as `holdfast password` makes it", ""};
  return {shape,
          [shape](const Value& value, const Reading& reading) -> std::optional<std::string> {
            const auto* written = value.as<std::string>();
            const auto fault = written != nullptr ? fault_of_hash(*written) : std::optional(shape.wanted);
            if (!fault) return *written;
            reading.fault(value.position, "`password_hash` must be " + *fault);
            return std::nullopt;
          },
          [](const std::string& hash) -> std::optional<Value> { return config::value_of(hash); }};
}

struct File {
  std::vector<User> users;
};

Table<User> user() {
  return {{
      {"name", config::text(kNameBytesMax), &User::name, kRequired, Applies::live, "The user name."},
      {"password_hash", password_hash(), &User::password_hash, kRequired, Applies::live, "The hash of the password."},
      {"client_ids", config::list_of(config::text(kNameBytesMax), {0, kItemsMax}), &User::client_ids, kEmptyList,
       Applies::live, "The client ids that the user may have."},
      {"addresses", config::list_of(config::cidr(), {0, kItemsMax}), &User::addresses, kEmptyList, Applies::live,
       "The networks that the user may come from."},
      {"superuser", config::boolean(), &User::superuser, false, Applies::live, "Whether the ACL is not asked."},
  }};
}

const Kind<File>& file() {
  static const Kind<File> kKind = config::table(Table<File>{{
      {"user", config::tables(user(), {0, kUsersMax}, &User::name), &File::users, kEmptyList, Applies::live,
       "One user."},
  }});
  return kKind;
}

}  // namespace

bool may_come(const User& user, std::string_view client_id, const base::PeerAddress& address) {
  const bool as = user.client_ids.empty() || std::ranges::find(user.client_ids, client_id) != user.client_ids.end();
  const auto has_it = [&address](const base::Cidr& network) { return network.contains(address); };
  return as && (user.addresses.empty() || std::ranges::any_of(user.addresses, has_it));
}

Users::Users(std::vector<User> users) : users_(std::move(users)) {
  by_name_.reserve(users_.size());
  for (const User& each : users_) by_name_.emplace(each.name, &each);
  if (!users_.empty()) decoy_hash_ = users_.front().password_hash;
}

const User* Users::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : nullptr;
}

std::shared_ptr<const Users> read_users(std::string_view text, config::Faults& faults) {
  config::Faults found;
  const auto root = config::read_toml(text, found);
  auto read = root ? file().read(*root, Reading(found)) : std::nullopt;
  if (found.empty()) return std::make_shared<const Users>(std::move(read->users));
  for (config::Fault& fault : found.in_file_order("")) faults.add({fault.line, fault.column}, std::move(fault.text));
  return nullptr;
}

}  // namespace holdfast::auth
