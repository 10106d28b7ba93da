#include "node/admin_servers.h"

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "control/ticker.h"
#include "control/token_file.h"

namespace holdfast::app {
namespace {

constexpr std::size_t kConnectionsMax = 64;   // well within the descriptors that connections leave to the rest
constexpr std::chrono::seconds kFarewell{2};  // for whoever is being answered by a server that goes

control::Guard guard_of(const config::Admin& admin) {
  return admin.token_file.empty() ? control::Guard() : control::Guard(control::read_token_file(admin.token_file));
}

std::optional<base::Endpoint> socket_of(const config::Node& node) {
  if (node.run_dir.empty()) return std::nullopt;
  std::error_code error;
  std::filesystem::create_directories(node.run_dir, error);
  if (error) {
    throw std::runtime_error("node.run_dir " + node.run_dir + ": " + error.message() +
                             " (an empty run_dir does without the admin socket)");
  }
  return base::Endpoint{base::Endpoint::Kind::unix_path, node.run_dir + "/admin.sock", 0};
}

}  // namespace

AdminServers::AdminServers(control::Runtime& runtime, std::function<control::Router()> routes)
    : runtime_(runtime), routes_(std::move(routes)) {}

AdminServers::Served AdminServers::open(const base::Endpoint& endpoint, const control::SocketFile& file,
                                        const control::Guard& guard) const {
  control::HttpLimits limits;
  limits.connections_max = kConnectionsMax;
  return {endpoint, file,
          std::make_unique<control::HttpServer>(runtime_, "admin", endpoint, routes_(), limits,
                                                control::HttpAccess{file, guard})};
}

void AdminServers::apply(const config::Settings& settings) {
  const control::Guard guard = guard_of(settings.admin);
  const auto& wanted = settings.admin.listen;
  std::optional<Served> listen;
  const bool moves = wanted && !(listen_ && listen_->endpoint == *wanted);
  if (moves) listen = open(*wanted, {}, guard);
  const auto path = socket_of(settings.node);
  // The socket's file says who may ask: its users need no token.
  if (path && !socket_) socket_ = open(*path, {settings.admin.socket_mode, settings.admin.socket_group}, {});
  if (moves || !wanted) {
    retire(std::exchange(listen_, std::move(listen)));
  } else {
    listen_->server->set_guard(guard);
  }
}

// The request that has led to this may be one of its own.
void AdminServers::retire(std::optional<Served> old) {
  if (!old) return;
  old->server->stop_listening();
  auto farewell = std::make_shared<std::unique_ptr<control::Ticker>>();
  auto server = std::make_shared<std::unique_ptr<control::HttpServer>>(std::move(old->server));
  *farewell = std::make_unique<control::Ticker>(runtime_, kFarewell, [farewell, server] {
    const auto ended = std::move(*farewell);
    server->reset();
  });
}

std::string AdminServers::address() const { return listen_ ? listen_->server->local_endpoint().text() : ""; }

std::vector<const control::HttpCounters*> AdminServers::counters() const {
  std::vector<const control::HttpCounters*> all;
  if (listen_) all.push_back(&listen_->server->counters());
  if (socket_) all.push_back(&socket_->server->counters());
  return all;
}

}  // namespace holdfast::app
