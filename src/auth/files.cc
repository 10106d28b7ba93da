#include "auth/files.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "config/parse.h"

namespace holdfast::auth {
namespace {

// The text of the file, or nothing and a fault. `key` is what names it.
std::optional<std::string> text_of(const std::string& path, const char* key, std::vector<config::Fault>& faults) {
  auto text = config::read_text_file(path);
  const auto fault = [&](std::string what) -> std::optional<std::string> {
    faults.push_back({path, 0, 0, std::move(what)});
    return std::nullopt;
  };
  if (!text) return fault(fmt::format("cannot be read ({}); `path` of {} names it", text.error().text(), key));
  if (text->size() <= config::kTextBytesMax) return std::move(*text);
  return fault(fmt::format("too large; such a file has at most {}", base::to_text(base::Bytes{config::kTextBytesMax})));
}

void append(std::vector<config::Fault>& to, std::vector<config::Fault> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::shared_ptr<const Users> load_users(const config::AuthModule& module, std::vector<config::Fault>& faults) {
  const auto text = text_of(module.path, "[[auth.chain]]", faults);
  if (!text) return nullptr;
  config::Faults found;
  auto users = read_users(*text, found);
  append(faults, found.in_file_order(module.path));
  return users;
}

std::shared_ptr<const Acl> load_acl(const config::AclFile& file, std::vector<config::Fault>& faults) {
  const auto text = text_of(file.path, "[auth.acl]", faults);
  if (!text) return nullptr;
  config::Faults found;
  auto rules = read_acl(*text, found);
  append(faults, found.in_file_order(file.path));
  const bool allow = file.no_match == config::AclNoMatch::allow;
  return std::make_shared<const Acl>(std::move(rules), allow ? Permission::allow : Permission::deny);
}

}  // namespace

LoadedFiles load_files(const config::Auth& settings) {
  LoadedFiles loaded;
  Files files;
  for (const config::AuthModule& each : settings.chain) files.users.push_back(load_users(each, loaded.faults));
  files.acl = settings.acl ? load_acl(*settings.acl, loaded.faults) : std::make_shared<const Acl>();
  if (loaded.faults.empty()) loaded.files = std::make_shared<const Files>(std::move(files));
  return loaded;
}

}  // namespace holdfast::auth
