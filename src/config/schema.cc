#include "config/schema.h"

#include "config/sections.h"

namespace holdfast::config {
namespace {

Table<Settings> file() {
  return {{
      {"node", table(node_section()), &Settings::node, kAllDefaults, kLive, "The process as a whole."},
      {"log", table(log_section()), &Settings::log, kAllDefaults, kLive, "What the process says on standard error."},
      {"admin", table(admin_section()), &Settings::admin, kAllDefaults, kLive,
       "The HTTP API for operators and for metrics."},
      {"listener", tables(listener_section(), {0, 65'535}, &Listener::name), &Settings::listeners, kEmptyList, kLive,
       "A place where clients connect, and the pool of servers that they are relayed to."},
      {"pool", tables(pool_section(), {0, 65'535}, &Pool::name), &Settings::pools, kEmptyList, kLive,
       "Servers that can stand in for each other. At least one [[pool.server]] or a [pool.discovery] is needed."},
      {"broker", table(broker_section()), &Settings::broker, kAllDefaults, kRestart,
       "The MQTT broker. A file with a [[broker.listener]] is one."},
      {"auth", table(auth_section()), &Settings::auth, kAllDefaults, kRestart, "Who may use the broker, and for what."},
  }};
}

}  // namespace

const Kind<Settings>& schema() {
  static const Kind<Settings> kSchema = table(file());
  return kSchema;
}

}  // namespace holdfast::config
