#include "config/unheeded.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>

namespace holdfast::config {
namespace {

// `key` matters only where one of `others` is written.
struct Need {
  std::string_view key;
  std::initializer_list<std::string_view> others;
  std::string_view advice;
};

const Need kOfEntrance[] = {
    {"address_prefix_ipv6",
     {"max_connections_per_address", "accept_rate_per_address"},
     "`max_connections_per_address` or `accept_rate_per_address`"},
    {"accept_burst", {"accept_rate"}, "`accept_rate`"},
    {"accept_burst_per_address", {"accept_rate_per_address"}, "`accept_rate_per_address`"},
    {"proxy_protocol_timeout", {"proxy_protocol"}, "`proxy_protocol`"},
    {"proxy_protocol_from", {"proxy_protocol"}, "`proxy_protocol`"},
};

const Need kOfListener[] = {
    {"max_age_jitter", {"max_age"}, "`max_age`"},
};

const Need kOfPool[] = {
    {"hash_key", {"policy"}, "`policy = \"hash\"`"},
    {"hash_load_bound", {"policy"}, "`policy = \"hash\"`"},
    {"queue_timeout", {"queue"}, "`queue`"},
};

const Need kOfHealth[] = {
    {"agent_address", {"agent_port"}, "`agent_port`"},
    {"agent_send", {"agent_port", "type"}, "`agent_port` or `type = \"agent\"`"},
};

constexpr std::string_view kOfHttp[] = {"method", "path", "headers", "status", "body"};

const Member* member(const Value& table, std::string_view key) {
  const Members* members = table.as<Members>();
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::key);
  return found == members->end() ? nullptr : &*found;
}

void check_needs(std::span<const Need> needs, const Value& written, Faults& faults) {
  for (const Need& need : needs) {
    const Member* key = member(written, need.key);
    const bool met = std::ranges::any_of(need.others, [&](auto other) { return written.find(other) != nullptr; });
    if (key == nullptr || met) continue;
    faults.add(key->key_position, fmt::format("`{}` does nothing without {}", need.key, need.advice));
  }
}

void check_health(const Health& health, const Value& written, Faults& faults) {
  check_needs(kOfHealth, written, faults);
  for (const std::string_view key : kOfHttp) {
    const Member* found = member(written, key);
    if (found == nullptr || health.type == HealthType::http) continue;
    faults.add(found->key_position, fmt::format("`{}` does nothing without `type = \"http\"`", key));
  }
  const Member* step = member(written, "step");
  const List* steps = step != nullptr ? step->value.as<List>() : nullptr;
  if (steps == nullptr || steps->empty() || health.type == HealthType::script) return;
  faults.add(steps->front().position, "[[pool.health.step]] does nothing without `type = \"script\"`");
}

bool may_be_full(const Pool& pool, const Value& written) {
  const bool has_agent = pool.health && (pool.health->type == HealthType::agent || pool.health->agent_port != 0);
  const Value* servers = written.find("server");
  const List* list = servers != nullptr ? servers->as<List>() : nullptr;
  const bool has_limit =
      list == nullptr || std::ranges::any_of(*list, [](const Value& server) {
        return server.find("max_connections") != nullptr || server.find("max_accept_rate") != nullptr;
      });
  return has_agent || has_limit || written.find("discovery") != nullptr;
}

void check_queue_is_used(const Pool& pool, const Value& written, Faults& faults) {
  const Member* queue = member(written, "queue");
  if (queue == nullptr || pool.queue == 0 || pool.when_all_down == WhenAllDown::queue) return;
  if (may_be_full(pool, written)) return;
  faults.add(queue->key_position,
             "`queue` does nothing without a server that has `max_connections` or `max_accept_rate`, or "
             "`when_all_down = \"queue\"`");
}

}  // namespace

void check_unheeded(const Entrance&, const Value& written, Faults& faults) {
  check_needs(kOfEntrance, written, faults);
}

void check_unheeded(const Listener& listener, const Value& written, Faults& faults) {
  check_unheeded(static_cast<const Entrance&>(listener), written, faults);
  check_needs(kOfListener, written, faults);
}

void check_unheeded(const Pool& pool, const Value& written, Faults& faults) {
  check_needs(kOfPool, written, faults);
  check_queue_is_used(pool, written, faults);
  const Value* health = written.find("health");
  if (pool.health && health != nullptr) check_health(*pool.health, *health, faults);
  const Member* on_down = member(written, "on_down");
  if (on_down == nullptr || pool.on_down != OnDown::close || health != nullptr) return;
  faults.add(on_down->value.position, "`on_down` is \"close\", but without [pool.health] no server ever goes DOWN");
}

}  // namespace holdfast::config
