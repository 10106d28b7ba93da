#include "config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/endpoint_kinds.h"
#include "config/suggest.h"

namespace holdfast::config {
namespace {

// `pools` is sorted.
void check_pool(const Listener& listener, const Value& written, const std::vector<std::string_view>& pools,
                Faults& faults) {
  if (listener.pool.empty() || std::ranges::binary_search(pools, listener.pool)) return;
  const auto meant = closest(listener.pool, pools);
  const std::string hint = meant           ? fmt::format("did you mean {}?", quoted(pools[*meant]))
                           : pools.empty() ? "the file has no [[pool]]"
                                           : "add a [[pool]] of that name";
  faults.add(written.find("pool")->position, fmt::format("no pool is called {}; {}", quoted(listener.pool), hint));
}

// Who has which address, by same_place().
class Places {
 public:
  explicit Places(Faults& faults) : faults_(faults) {}

  void take(const base::Endpoint& endpoint, Position position, std::string owner) {
    const bool any_port = endpoint.kind != base::Endpoint::Kind::unix_path && endpoint.port == 0;
    if (any_port) return;
    const auto [first, is_new] = owners_.try_emplace(same_place(endpoint), std::move(owner));
    if (is_new) return;
    faults_.add(position, fmt::format("{} is already taken by {}; use another address or port", quoted(endpoint.text()),
                                      first->second));
  }

 private:
  Faults& faults_;
  std::map<std::string, std::string> owners_;
};

// From the text, so that one bad address does not hide what is wrong with the others.
void take_binds(const Value& listener, Places& places) {
  const Value* bind = listener.find("bind");
  const List* list = bind != nullptr ? bind->as<List>() : nullptr;
  if (list == nullptr) return;
  for (const Value& item : *list) {
    const auto* text = item.as<std::string>();
    const auto endpoint = text != nullptr ? base::parse_endpoint(*text) : base::Error{};
    const std::string owner = fmt::format("`bind` at line {}", item.position.line);
    if (endpoint && endpoint->kind != base::Endpoint::Kind::host_name) places.take(*endpoint, item.position, owner);
  }
}

}  // namespace

void check_references(const Settings& settings, const Value& root, Faults& faults) {
  std::vector<std::string_view> pools;
  for (const Pool& pool : settings.pools) pools.push_back(pool.name);
  std::ranges::sort(pools);
  Places places(faults);
  if (settings.admin.listen) places.take(*settings.admin.listen, {}, "admin.listen");
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const Value& written = (*root.find("listener")->as<List>())[i];
    check_pool(settings.listeners[i], written, pools, faults);
    take_binds(written, places);
  }
}

}  // namespace holdfast::config
