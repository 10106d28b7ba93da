#include "config/broker_references.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/schema.h"
#include "config/topic_filter.h"
#include "config/unheeded.h"

namespace holdfast::config {
namespace {

const Member* member(const Value& table, std::string_view key) {
  const Members* members = table.as<Members>();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::key);
  return found == members->end() ? nullptr : &*found;
}

bool knows_all(const Value& table, const TableShape& shape) {
  const Members* members = table.as<Members>();
  return members != nullptr && std::ranges::all_of(*members, [&](const Member& each) {
           return std::ranges::find(shape.keys, each.key, &KeyShape::name) != shape.keys.end();
         });
}

// The tables of an array with their text. Where that is no array there are no tables, and a fault says so already.
template <typename Owner, typename Check>
void for_each_written(const std::vector<Owner>& owners, const Value* written, const Check& check) {
  const List* list = written != nullptr ? written->as<List>() : nullptr;
  for (std::size_t i = 0; list != nullptr && i < list->size() && i < owners.size(); ++i) check(owners[i], (*list)[i]);
}

// The highest of $1 to $9 in `to`; 0 when there is none.
std::size_t highest_reference(std::string_view to) {
  std::size_t highest = 0;
  for (auto at = to.find('$'); at != std::string_view::npos; at = to.find('$', at + 1)) {
    const char digit = at + 1 < to.size() ? to[at + 1] : '\0';
    if (digit >= '1' && digit <= '9') highest = std::max(highest, static_cast<std::size_t>(digit - '0'));
  }
  return highest;
}

void check_rewrite(const Rewrite& rewrite, const Value& written, Faults& faults) {
  const Value* to = written.find("to");
  const std::size_t highest = highest_reference(rewrite.to);
  const std::size_t wildcards = wildcards_in(rewrite.from);
  if (to == nullptr || rewrite.from.empty() || highest <= wildcards) return;
  faults.add(to->position,
             fmt::format("`to` has ${}, but `from` has {} wildcard{}", highest, wildcards, wildcards == 1 ? "" : "s"));
}

// What somewhere, at one listener at least, is to be had.
bool somewhere(const Broker& broker, bool ClientLimits::*available) {
  return broker.listeners.empty() || std::ranges::any_of(broker.listeners, [&](const BrokerListener& each) {
           return limits_of(broker, each).*available;
         });
}

// What every client would be refused.
std::string why_never(const Broker& broker, const AutoSubscribe& wanted) {
  const std::string_view filter = wanted.filter;
  const bool exclusive = filter.starts_with("$exclusive/");
  const bool queue = filter.starts_with("$queue/");
  const bool shared = queue || filter.starts_with("$share/");
  std::string_view plain = filter;
  if (exclusive || shared) plain.remove_prefix(filter.find('/') + 1);
  if (shared && !queue) {
    const auto slash = plain.find('/');
    const std::string_view group = plain.substr(0, slash);
    if (slash == std::string_view::npos || group.empty() || group.find_first_of("+#") != std::string_view::npos) {
      return "is no shared subscription: that is $share/GROUP/FILTER";
    }
    plain.remove_prefix(slash + 1);
  }
  if (!is_topic_filter(plain)) return fmt::format("has {} where a filter of topics must stand", quoted(plain));
  if (shared && wanted.no_local) return "is shared, and `no_local` with it is against the standard";
  if (shared && !somewhere(broker, &ClientLimits::shared_available)) return "needs `shared_available = true`";
  if (exclusive && !somewhere(broker, &ClientLimits::exclusive_available)) return "needs `exclusive_available = true`";
  if (wildcards_in(plain) == 0) return "";
  if (exclusive) return "is exclusive, and that has no wildcards";
  return somewhere(broker, &ClientLimits::wildcard_available) ? "" : "needs `wildcard_available = true`";
}

void check_auto_subscribe(const Broker& broker, const AutoSubscribe& wanted, const Value& written, Faults& faults) {
  const Value* filter = written.find("filter");
  if (filter == nullptr || wanted.filter.empty()) return;  // a fault says so already
  const std::string why = why_never(broker, wanted);
  if (!why.empty())
    faults.add(filter->position, fmt::format("{} {}; no client would get it", quoted(wanted.filter), why));
}

void check_bursts(const Value& written, std::string_view rate, std::string_view burst, const Value* of_broker,
                  Faults& faults) {
  const Member* key = member(written, burst);
  const bool met = written.find(rate) != nullptr || (of_broker != nullptr && of_broker->find(rate) != nullptr);
  if (key != nullptr && !met) faults.add(key->key_position, fmt::format("`{}` does nothing without `{}`", burst, rate));
}

void check_limits(const Value& written, const Value* of_broker, Faults& faults) {
  check_bursts(written, "message_rate", "message_burst", of_broker, faults);
  check_bursts(written, "byte_rate", "byte_burst", of_broker, faults);
}

void check_listener(const Settings& settings, const BrokerListener& listener, const Value& written, Faults& faults) {
  check_unheeded(static_cast<const Entrance&>(listener), written, faults);
  for (const std::string_view name : {"path", "allow_origins"}) {
    const Member* key = member(written, name);
    if (key == nullptr || listener.protocol == BrokerProtocol::websocket) continue;
    faults.add(key->key_position, fmt::format("`{}` does nothing without `protocol = \"websocket\"`", name));
  }
  const Value* name = written.find("name");
  if (name == nullptr || listener.name.empty()) return;
  if (std::ranges::find(settings.listeners, listener.name, &Listener::name) == settings.listeners.end()) return;
  faults.add(name->position,
             fmt::format("the name {} is taken by a [[listener]]; names must differ", quoted(listener.name)));
}

bool is_there(const Value* list) {
  return list != nullptr && (list->as<List>() == nullptr || !list->as<List>()->empty());
}

bool may_mean_a_broker_listener(const Value& root) {
  const TableShape& shape = *schema().shape.table;
  if (!knows_all(root, shape)) return true;
  const Value* broker = root.find("broker");
  if (broker == nullptr) return false;
  const auto section = std::ranges::find(shape.keys, "broker", &KeyShape::name);
  return is_there(broker->find("listener")) || !knows_all(*broker, *section->shape.table);
}

// What only a broker uses, in the file of a gateway.
void check_is_broker(const Settings& settings, const Value& root, Faults& faults) {
  if (settings.listeners.empty() || may_mean_a_broker_listener(root)) return;
  for (const std::string_view section : {"broker", "auth"}) {
    const Member* found = member(root, section);
    const Members* members = found != nullptr ? found->value.as<Members>() : nullptr;
    if (members == nullptr || members->empty()) continue;
    faults.add(found->key_position, fmt::format("[{}] does nothing without a [[broker.listener]]", section));
  }
}

}  // namespace

bool may_mean_a_listener(const Value& root) {
  return is_there(root.find("listener")) || may_mean_a_broker_listener(root);
}

void check_broker(const Settings& settings, const Value& root, Faults& faults) {
  check_is_broker(settings, root, faults);
  const Value* broker = root.find("broker");
  if (broker == nullptr) return;
  check_limits(*broker, nullptr, faults);
  for_each_written(settings.broker.rewrite, broker->find("rewrite"),
                   [&](const Rewrite& each, const Value& written) { check_rewrite(each, written, faults); });
  for_each_written(settings.broker.auto_subscribe, broker->find("auto_subscribe"),
                   [&](const AutoSubscribe& each, const Value& written) {
                     check_auto_subscribe(settings.broker, each, written, faults);
                   });
  for_each_written(settings.broker.listeners, broker->find("listener"),
                   [&](const BrokerListener& each, const Value& written) {
                     check_limits(written, broker, faults);
                     check_listener(settings, each, written, faults);
                   });
}

}  // namespace holdfast::config
