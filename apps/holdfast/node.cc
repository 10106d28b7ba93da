#include "node.h"

#include <unistd.h>

#include <csignal>
#include <optional>
#include <stdexcept>

#include "admin_routes.h"
#include "base/log.h"
#include "base/units.h"
#include "control/http_server.h"
#include "control/readiness.h"
#include "gateway/gateway.h"
#include "net/descriptors.h"

namespace holdfast::app {
namespace {

gateway::Verbosity verbosity_of(const config::Log& log) {
  if (!log.connections || log.level > base::LogLevel::info) return gateway::Verbosity::faults;
  return log.level <= base::LogLevel::debug ? gateway::Verbosity::opens_and_ends : gateway::Verbosity::ends;
}

constexpr std::size_t kAdminConnectionsMax = 64;  // well within the descriptors that connections leave to the rest

std::uint64_t descriptor_limit() {
  const auto limit = net::grow_descriptor_table();
  if (!limit) throw std::runtime_error("file descriptors: " + limit.error().text());
  return *limit;
}

std::string node_name(const config::Node& node) {
  char host[256] = "";
  if (node.name.empty()) ::gethostname(host, sizeof host - 1);
  return node.name.empty() ? host : node.name;
}

}  // namespace

class Node::Parts {
 public:
  Parts(control::Runtime& runtime, const config::Settings& from)
      : settings(from), gateway(runtime, from, descriptor_limit(), verbosity_of(from.log)) {
    if (!from.admin.listen) return;
    control::HttpLimits limits;
    limits.connections_max = kAdminConnectionsMax;
    admin.emplace(runtime, "admin", *from.admin.listen,
                  admin_routes({.node_name = node_name(from.node),
                                .status = [this] { return gateway.status(); },
                                .phase = [this] { return phase; },
                                .http = [this]() -> const control::HttpCounters& { return admin->counters(); }}),
                  limits);
  }

  config::Settings settings;
  Phase phase = Phase::starting;
  gateway::Gateway gateway;
  std::optional<control::HttpServer> admin;
};

Node::Node(control::Runtime& runtime, const config::Settings& settings) : runtime_(runtime) {
  // Before the first thread: what a thread is born with cannot be interrupted before it has begun.
  runtime_.on_signals({SIGHUP, SIGINT, SIGTERM}, [this](int signal) { on_signal(signal); });
  parts_ = std::make_unique<Parts>(runtime, settings);
}

Node::~Node() = default;

void Node::serve(std::function<void(const Serving&)> on_ready) {
  Parts& parts = *parts_;
  parts.gateway.start([&parts, on_ready = std::move(on_ready)] {
    parts.phase = Phase::serving;
    on_ready({parts.gateway.status().listeners, parts.admin ? parts.admin->local_endpoint().text() : ""});
    control::notify_ready();
  });
  runtime_.run();
}

void Node::on_signal(int signal) {
  if (signal == SIGHUP) {
    return base::log_warning("SIGHUP does nothing in this version: a changed configuration needs a restart");
  }
  if (signal == SIGTERM && parts_->phase != Phase::draining) return drain();
  base::log_info("ending at once", {{"connections", static_cast<std::int64_t>(parts_->gateway.connections())}});
  runtime_.stop();
}

void Node::drain() {
  const config::Duration timeout = parts_->settings.node.stop_timeout;
  parts_->phase = Phase::draining;
  control::notify_stopping();
  base::log_info("draining: no new connections, and an end when the last has gone or the time is over",
                 {{"connections", static_cast<std::int64_t>(parts_->gateway.connections())},
                  {"stop_timeout", base::to_text(timeout)}});
  parts_->gateway.drain(std::chrono::ceil<std::chrono::milliseconds>(timeout), [this](std::uint64_t cut) {
    base::log_info("drained", {{"connections_cut", static_cast<std::int64_t>(cut)}});
    runtime_.stop();
  });
}

}  // namespace holdfast::app
