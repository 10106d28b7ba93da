// apps/holdfast/node/admin_servers.h: where the admin API is served: on admin.listen, and on a socket for this machine.
//
// Thread: control.
// Errors: std::runtime_error with a text for the operator; then everything is served as before.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/http_server.h"
#include "control/ticker.h"

namespace holdfast::app {

class AdminServers {
 public:
  AdminServers(control::Runtime& runtime, std::function<control::Router()> routes);

  // Serves as these settings say. What is new is opened before what is old is closed, and whoever asked by the old
  // address still gets an answer. The token file is read again.
  void apply(const config::Settings& settings);

  // Why there is no socket, though there could be: for the log.
  [[nodiscard]] const std::string& remark() const noexcept { return remark_; }
  [[nodiscard]] std::string address() const;  // of admin.listen; empty when there is none
  [[nodiscard]] std::vector<const control::HttpCounters*> counters() const;

 private:
  struct Served {
    base::Endpoint endpoint;
    control::SocketFile file;
    std::unique_ptr<control::HttpServer> server;
  };

  [[nodiscard]] Served open(const base::Endpoint& endpoint, const control::SocketFile& file,
                            const control::Guard& guard) const;
  [[nodiscard]] std::optional<Served> open_socket(const std::string& directory, const control::SocketFile& file);
  void retire(std::optional<Served> old);

  control::Runtime& runtime_;
  std::function<control::Router()> routes_;
  std::optional<Served> listen_;
  std::optional<Served> socket_;
  std::vector<Served> retired_;
  std::unique_ptr<control::Ticker> farewell_;  // for them
  std::string remark_;
};

}  // namespace holdfast::app
