// admin/faces.h: what the routes ask and tell, as plain functions and values. Whoever owns the parts of the process
// gives the functions; tests give their own.
//
// Thread:   control. A function that takes an `answer` calls it once on control, at once or later, also after the
//           client has gone.
// Errors:   a Refusal: the command was not done, and nothing has changed.
// Lifetime: what the functions touch lives as long as the router.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/cidr.h"
#include "base/units.h"
#include "broker/status.h"
#include "config/fault.h"
#include "config/settings.h"
#include "control/http_server.h"
#include "control/metrics_page.h"
#include "control/router.h"
#include "entry/connection_query.h"
#include "gateway/server_change.h"
#include "gateway/status.h"

namespace holdfast::admin {

using WallTime = std::chrono::system_clock::time_point;

enum class Phase : std::uint8_t { starting, serving, draining, drained };
[[nodiscard]] const char* name(Phase phase) noexcept;

// Why a command was not done.
struct Refusal {
  enum class Why : std::uint8_t {
    not_found,  // what it names is not there
    conflict,   // not now: it is there already, or something else is under way
    invalid,    // it asks for what cannot be; `faults` say where, when there is a file
    failed,     // it was tried, and something around the process stood in the way
  };
  Why why = Why::failed;
  std::string detail;
  std::vector<config::Fault> faults{};
};

template <typename T>
using Outcome = std::variant<T, Refusal>;
struct Done {};

// The node.

struct ConfigInfo {
  std::string file;
  WallTime loaded_at;                       // what runs now
  std::uint64_t reloads_total = 0;          // that were applied
  std::uint64_t reloads_refused_total = 0;  // that were not: nothing was changed
  std::optional<std::string> last_error;    // of the newest reload, if it was refused
};

struct NodeDrain {
  double wait_seconds_left = 0;  // until accepting ends; /readyz answers 503 meanwhile
  gateway::DrainStatus progress;
};

struct NodeInfo {
  std::string name;
  std::string version;
  std::int64_t pid = 0;
  Phase phase = Phase::starting;
  double uptime_seconds = 0;
  std::uint64_t resident_bytes = 0;
  ConfigInfo config;
  std::optional<NodeDrain> drain;
  std::vector<std::string> draining_listeners{};  // by command, or about to be
};

struct DrainRequest {
  std::optional<base::Rate> rate;            // none: connections end by themselves
  std::optional<config::Duration> deadline;  // then the rest is closed; none: never
  std::optional<config::Duration> wait;      // of the node: /readyz says no for so long before; none: node.drain_wait
};

// The configuration.

struct ReloadOrder {
  enum class Run : std::uint8_t { apply, dry };
  enum class Runtime : std::uint8_t { drop, keep };  // changes that commands have made
  Run run = Run::apply;
  Runtime runtime = Runtime::drop;
};

struct ReloadChange {
  std::string what;    // "pool brokers, server b1"
  std::string change;  // added removed changed
  std::string key;     // of a change: "weight"
  std::string from;
  std::string to;
  std::string applies;            // live new_connections restart
  std::uint64_t connections = 0;  // that it concerns
  std::string effect;             // for people: what becomes of them
};

struct RuntimeDifference {
  std::string what;  // "pool brokers, server b1: weight"
  std::string file;
  std::string now;
};

struct RuntimeFate {
  RuntimeDifference difference;
  bool kept = false;
};

struct ReloadReport {
  double took_seconds = 0;
  std::vector<ReloadChange> changes;
  std::vector<RuntimeFate> runtime;
};

// Servers.

struct Removal {
  std::uint64_t remaining = 0;  // connections that it still has
  std::string on_remove;        // what becomes of them: keep drain close
};

// The first three must be there. Of the others, what is empty has no route.
struct Faces {
  std::function<NodeInfo()> node{};
  std::function<gateway::Status()> status{};
  std::function<std::vector<const control::HttpCounters*>()> http{};  // of each admin server
  std::function<broker::Status()> broker{};                           // empty: the process has none

  std::function<void(control::MetricsPage&)> add_metrics{};  // of events, alarms and whatever else the process has
  std::function<boost::json::object()> alarms{};             // {"active": [...], "cleared": [...]}
  std::function<std::vector<RuntimeDifference>()> runtime_differences{};
  control::Router::Handler events{};  // answers with the stream

  std::function<void(ReloadOrder, std::function<void(Outcome<ReloadReport>)> answer)> reload{};
  std::function<Outcome<Done>(const DrainRequest&)> drain{};
  std::function<Outcome<Done>()> resume{};

  std::function<Outcome<Done>(const std::string& listener, const DrainRequest&)> drain_listener{};
  std::function<Outcome<Done>(const std::string& listener)> ready_listener{};

  std::function<Outcome<Done>(const std::string& pool, const std::string& server, const gateway::ServerChange&)>
      change_server{};
  std::function<Outcome<Done>(const std::string& pool, const config::Server&)> add_server{};
  std::function<Outcome<Removal>(const std::string& pool, const std::string& server)> remove_server{};

  std::function<void(const entry::ConnectionQuery&, std::function<void(entry::ConnectionPage)> answer)>
      find_connections{};
  std::function<void(std::uint64_t id, std::function<void(bool found)> answer)> close_connection{};
  std::function<void(const std::string& client_id, std::function<void(bool found)> answer)> close_client{};
};

}  // namespace holdfast::admin
