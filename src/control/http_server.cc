#include "control/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "control/http_connection.h"
#include "control/listen_socket.h"

namespace holdfast::control {
namespace asio = boost::asio;
namespace {

using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

Acceptor make_acceptor(asio::io_context& context, int fd) {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length);
  return {context, Protocol(local.ss_family, 0), fd};
}

// Best effort: the client may have sent something that nobody will read, and then sees a reset instead.
void refuse(HttpConnection::Socket& socket) {
  Response response = problem(503, "too many connections; try again");
  response.headers.push_back({"Retry-After", "1"});
  const std::string bytes = serialize(response, 11, Body::sent, After::close);
  (void)::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

struct HttpServer::State {
  State(Runtime& owner, std::string name, const base::Endpoint& endpoint, Router router, HttpLimits limits,
        HttpAccess access)
      : runtime(owner),
        shared(std::make_shared<HttpShared>(limits)),
        acceptor(make_acceptor(owner.context(), open_listen_socket(name, endpoint, access.socket))),
        local(local_endpoint_of(acceptor.native_handle())),
        path_owner(std::in_place, local) {
    shared->name = std::move(name);
    shared->router = std::move(router);
    shared->guard = std::move(access.guard);
  }

  static Task<> accept_all(std::shared_ptr<State> self);
  void admit(HttpConnection::Socket socket);
  void on_accept_failed(const boost::system::error_code& error);

  Runtime& runtime;
  const std::shared_ptr<HttpShared> shared;
  Acceptor acceptor;
  const base::Endpoint local;
  std::optional<UnixPathOwner> path_owner;  // until stop()
  bool accept_fails = false;                // said once in the log, not for every attempt
  Job accepting;
};

Task<> HttpServer::State::accept_all(std::shared_ptr<State> self) {
  asio::steady_timer pause(self->acceptor.get_executor());
  while (!self->shared->stopped) {
    HttpConnection::Socket socket(self->acceptor.get_executor());
    boost::system::error_code error;
    co_await self->acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (self->shared->stopped) co_return;
    if (!error) {
      self->admit(std::move(socket));
      continue;
    }
    self->on_accept_failed(error);
    pause.expires_after(self->shared->limits.accept_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

void HttpServer::State::admit(HttpConnection::Socket socket) {
  accept_fails = false;
  shared->counters.accepted.add();
  if (shared->connections.size() >= shared->limits.connections_max) {
    shared->counters.refused.add();
    return refuse(socket);
  }
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  HttpConnection::start(runtime, std::make_shared<HttpConnection>(shared, std::move(socket)));
}

void HttpServer::State::on_accept_failed(const boost::system::error_code& error) {
  shared->counters.accept_failed.add();
  if (accept_fails) return;
  accept_fails = true;
  base::log_error("cannot accept connections; trying again", {{"server", shared->name}, {"error", error.message()}});
}

HttpServer::HttpServer(Runtime& runtime, std::string name, const base::Endpoint& endpoint, Router router,
                       HttpLimits limits, HttpAccess access) {
  runtime.assert_control_thread();
  state_ = std::make_shared<State>(runtime, std::move(name), endpoint, std::move(router), limits, std::move(access));
  state_->accepting = runtime.spawn("http server", State::accept_all(state_));
}

HttpServer::~HttpServer() { stop(); }

void HttpServer::set_guard(Guard guard) { state_->shared->guard = std::move(guard); }

void HttpServer::stop_listening() {
  state_->accepting.cancel();
  state_->acceptor.close();
  state_->path_owner.reset();
}

void HttpServer::stop() {
  if (state_->shared->stopped) return;
  state_->shared->stopped = true;
  stop_listening();
  const std::vector<HttpConnection*> connections(state_->shared->connections.begin(),
                                                 state_->shared->connections.end());
  for (HttpConnection* connection : connections) connection->stop();
}

const base::Endpoint& HttpServer::local_endpoint() const noexcept { return state_->local; }

const HttpCounters& HttpServer::counters() const noexcept { return state_->shared->counters; }

}  // namespace holdfast::control
