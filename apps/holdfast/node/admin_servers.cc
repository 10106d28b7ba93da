#include "node/admin_servers.h"

#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "control/token_file.h"

namespace holdfast::app {
namespace {

constexpr std::size_t kConnectionsMax = 64;   // well within the descriptors that connections leave to the rest
constexpr std::chrono::seconds kFarewell{2};  // for whoever is being answered by a server that goes

control::Guard guard_of(const config::Admin& admin) {
  return admin.token_file.empty() ? control::Guard() : control::Guard(control::read_token_file(admin.token_file));
}

// The directory that a package makes; who runs the program by hand as an ordinary user may not.
constexpr std::string_view kUsualRunDir = "/run/holdfast";

bool is_forbidden(const std::error_code& error) {
  return error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
         error == std::errc::read_only_file_system;
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
  // The socket's file says who may ask: its users need no token.
  const control::SocketFile file = {settings.admin.socket_mode, settings.admin.socket_group, settings.node.user};
  if (!socket_) socket_ = open_socket(settings.node.run_dir, file);
  if (socket_ && socket_->file != file) {
    control::set_socket_file("admin", socket_->endpoint, file);
    socket_->file = file;
  }
  if (moves || !wanted) {
    retire(std::exchange(listen_, std::move(listen)));
  } else {
    listen_->server->set_guard(guard);
  }
}

std::optional<AdminServers::Served> AdminServers::open_socket(const std::string& directory,
                                                              const control::SocketFile& file) {
  if (directory.empty()) return std::nullopt;
  const base::Endpoint path{base::Endpoint::Kind::unix_path, directory + "/admin.sock", 0};
  try {
    std::filesystem::create_directories(directory);
    return open(path, file, {});
  } catch (const std::system_error& error) {
    const std::string what = "no admin socket in node.run_dir " + directory + ": " + error.code().message();
    if (directory != kUsualRunDir || !is_forbidden(error.code())) {
      throw std::runtime_error(what + " (an empty run_dir does without it)");
    }
    remark_ = what;
    return std::nullopt;
  }
}

// The request that has led to this may be one of its own.
void AdminServers::retire(std::optional<Served> old) {
  if (!old) return;
  old->server->stop_listening();
  retired_.push_back(std::move(*old));
  farewell_ = std::make_unique<control::Ticker>(runtime_, kFarewell, [this] {
    const auto ended = std::move(farewell_);
    retired_.clear();
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
