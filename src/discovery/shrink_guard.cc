#include "discovery/shrink_guard.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace holdfast::discovery {
namespace {

constexpr std::size_t kStepShare = 4;  // a step removes at most 1/4 of those in use

// The servers of `list` that `other` lacks.
Servers lacking(const Servers& list, const Servers& other) {
  std::unordered_set<std::string> there;
  for (const config::Server& server : other) there.insert(identity(server));
  Servers result;
  for (const config::Server& server : list) {
    if (!there.contains(identity(server))) result.push_back(server);
  }
  return result;
}

void drop_first(Servers& servers, std::size_t count) {
  servers.erase(servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(std::min(count, servers.size())));
}

}  // namespace

std::string identity(const config::Server& server) { return server.name + '\n' + server.address.text(); }

Servers ShrinkGuard::aim(const Servers& in_use, Servers target) {
  Servers lost = lacking(in_use, target);
  const bool believed = kept_.empty() && lost.size() * 2 <= in_use.size();
  if (believed || shrink_ == Shrink::at_once) lost.clear();
  target_ = std::move(target);
  kept_ = std::move(lost);
  const std::size_t both = target_.size() + kept_.size();
  if (both > kServersMax) drop_first(kept_, both - kServersMax);
  return use();
}

Servers ShrinkGuard::step() {
  drop_first(kept_, std::max<std::size_t>(1, use().size() / kStepShare));
  return use();
}

Servers ShrinkGuard::use() const {
  std::unordered_map<std::string_view, const config::Server*> kept_by_name;
  for (const config::Server& server : kept_) kept_by_name.emplace(server.name, &server);
  Servers all;
  all.reserve(target_.size() + kept_.size());
  for (const config::Server& server : target_) {
    const auto old = kept_by_name.find(server.name);
    all.push_back(old == kept_by_name.end() ? server : *old->second);
    if (old != kept_by_name.end()) kept_by_name.erase(old);
  }
  for (const config::Server& server : kept_) {
    if (kept_by_name.contains(server.name)) all.push_back(server);
  }
  return all;
}

}  // namespace holdfast::discovery
