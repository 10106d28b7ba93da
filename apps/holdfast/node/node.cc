#include "node/node.h"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "admin/routes.h"
#include "base/log.h"
#include "base/units.h"
#include "broker/broker.h"
#include "control/readiness.h"
#include "entry/admission.h"
#include "gateway/gateway.h"
#include "net/descriptors.h"
#include "node/admin_servers.h"
#include "node/drains.h"
#include "node/faces.h"
#include "node/reload.h"
#include "node/watch.h"

namespace holdfast::app {
namespace {

gateway::Verbosity verbosity_of(const config::Log& log) {
  if (!log.connections || log.level > base::LogLevel::info) return gateway::Verbosity::faults;
  return log.level <= base::LogLevel::debug ? gateway::Verbosity::opens_and_ends : gateway::Verbosity::ends;
}

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

// The second number of statm, in pages.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

class Node::Parts {
 public:
  Parts(control::Runtime& runtime, const config::Settings& settings, std::string file)
      : gateway(runtime, settings, descriptors, process, verbosity_of(settings.log)),
        broker(make_broker(runtime, settings, *this)),
        drains(runtime, gateway),
        reload(
            std::move(file), settings, gateway, events, [this](const config::Settings& wanted) { apply_rest(wanted); },
            [this](gateway::RuntimeChanges changes) { drains.reloaded(changes); }),
        servers(runtime,
                [this] {
                  return admin::routes(faces_of({gateway, drains, reload, events, alarms, servers, broker.get(),
                                                 [this] { return info(); }, [this] { watch.after_command(); }}));
                }),
        watch(
            runtime,
            [this] {
              return admin::Scene{drains.seen(), drains.status()};
            },
            events, alarms) {
    servers.apply(settings);
  }

  void apply_rest(const config::Settings& wanted) {
    servers.apply(wanted);
    base::start_log({wanted.log.level, wanted.log.format});
    gateway.set_verbosity(verbosity_of(wanted.log));
    if (broker) broker->set_tells_all(verbosity_of(wanted.log) != gateway::Verbosity::faults);
  }

  [[nodiscard]] std::vector<Serving::Listener> listeners() const {
    std::vector<Serving::Listener> all;
    for (const auto& each : gateway.status().listeners) all.push_back({each.name, each.addresses});
    if (!broker) return all;
    for (const auto& each : broker->status().listeners) all.push_back({each.name, each.addresses});
    return all;
  }

  [[nodiscard]] static std::unique_ptr<broker::Broker> make_broker(control::Runtime& runtime,
                                                                   const config::Settings& settings, Parts& parts) {
    if (settings.broker.listeners.empty()) return nullptr;
    auto made = std::make_unique<broker::Broker>(runtime, settings, node_name(settings.node), HOLDFAST_VERSION,
                                                 parts.descriptors, parts.process);
    made->set_tells_all(verbosity_of(settings.log) != gateway::Verbosity::faults);
    return made;
  }

  [[nodiscard]] admin::Phase phase() const {
    if (drains.drained()) return admin::Phase::drained;
    if (drains.draining()) return admin::Phase::draining;
    return serving ? admin::Phase::serving : admin::Phase::starting;
  }

  [[nodiscard]] admin::NodeInfo info() const {
    return {.name = node_name(reload.settings().node),
            .version = HOLDFAST_VERSION,
            .pid = ::getpid(),
            .phase = phase(),
            .uptime_seconds = std::chrono::duration<double>(base::Clock::now() - begun).count(),
            .resident_bytes = resident_bytes(),
            .config = reload.info(),
            .drain = drains.status(),
            .draining_listeners = drains.draining_listeners()};
  }

  bool serving = false;
  const base::Time begun = base::Clock::now();
  control::Events events;
  control::Alarms alarms{events};
  net::DescriptorBudget descriptors{descriptor_limit()};
  entry::ProcessLimit process;
  gateway::Gateway gateway;
  std::unique_ptr<broker::Broker> broker;  // null: the settings have none
  Drains drains;
  Reload reload;
  AdminServers servers;
  Watch watch;
};

Node::Node(control::Runtime& runtime, const config::Settings& settings, std::string file) : runtime_(runtime) {
  // Before the first thread: what a thread is born with cannot be interrupted before it has begun.
  runtime_.on_signals({SIGHUP, SIGINT, SIGTERM}, [this](int signal) { on_signal(signal); });
  parts_ = std::make_unique<Parts>(runtime, settings, std::move(file));
}

Node::~Node() = default;

ExitStatus Node::serve(std::function<void(const Serving&)> on_ready) {
  Parts& parts = *parts_;
  if (parts.broker) parts.broker->start();  // first: it may be a server of the gateway's
  parts.gateway.start([&parts, on_ready = std::move(on_ready)] {
    parts.serving = true;
    if (!parts.servers.remark().empty()) base::log_warning(parts.servers.remark());
    parts.watch.look();  // whatever changes from here on is an event
    on_ready({parts.listeners(), parts.servers.address()});
    control::notify_ready();
  });
  runtime_.run();
  return ended_;
}

void Node::on_signal(int signal) {
  if (signal == SIGHUP) return reload();
  if (signal == SIGTERM && !stopping_) return stop_gracefully();
  const std::uint64_t live = parts_->gateway.connections();
  base::log_info("ending at once", {{"connections", static_cast<std::int64_t>(live)}});
  ended_ = live > 0 ? kEndedAtOnce : kDone;
  runtime_.stop();
}

void Node::reload() {
  if (stopping_) return base::log_warning("SIGHUP: the node stops, so nothing is reloaded");
  if (parts_->drains.draining()) return base::log_warning("SIGHUP: the node drains, so nothing is reloaded");
  control::notify_reloading();
  (void)parts_->reload({});  // says in the log what came of it
  control::notify_ready();
}

void Node::stop_gracefully() {
  stopping_ = true;
  const config::Node& node = parts_->reload.settings().node;
  control::notify_stopping();
  if (parts_->broker) parts_->broker->stop();  // its clients are told, and find another node
  admin::DrainRequest order;
  if (node.drain_rate.per_second > 0) order.rate = node.drain_rate;
  order.deadline = node.stop_timeout - node.drain_wait;
  parts_->drains.stop(order, node.drain_wait, [this](std::uint64_t cut) {
    ended_ = cut > 0 ? kConnectionsCut : kDone;
    runtime_.stop();
  });
}

}  // namespace holdfast::app
