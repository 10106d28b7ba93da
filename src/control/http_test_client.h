// control/http_test_client.h: for tests: a server that runs on a thread of its own, and a client that may misbehave.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "control/http_server.h"

namespace holdfast::control {

// Serves until it is destroyed.
class TestServer {
 public:
  explicit TestServer(Router router, HttpLimits limits = {}, std::string endpoint = "127.0.0.1:0",
                      HttpAccess access = {})
      : server_(std::in_place, runtime_, "test", *base::parse_endpoint(endpoint), std::move(router), limits,
                std::move(access)),
        thread_([this] { runtime_.run(); }) {}
  ~TestServer() {
    runtime_.stop();
    thread_.join();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] HttpServer& server() { return *server_; }
  void stop_server() {
    runtime_.post([this] { server_->stop(); });
  }

  // Waits for a counter to get there; the test's own time limit ends a wait in vain.
  template <typename Number>
  void wait_for(const Number HttpCounters::*number, decltype(std::declval<Number>().value()) value) const {
    while ((server_->counters().*number).value() != value) std::this_thread::yield();
  }

 private:
  Runtime runtime_;
  std::optional<HttpServer> server_;
  std::thread thread_;
};

// A blocking socket. Every read gives up after 30 s, so that a test fails rather than hangs.
class RawClient {
 public:
  explicit RawClient(const base::Endpoint& server) {
    if (server.kind == base::Endpoint::Kind::unix_path) {
      sockaddr_un address{AF_UNIX, {}};
      server.host.copy(address.sun_path, sizeof address.sun_path - 1);
      connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
    } else {
      sockaddr_in address{AF_INET, htons(server.port), {htonl(INADDR_LOOPBACK)}, {}};
      connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  // False when the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() const { ::shutdown(fd_, SHUT_WR); }
  // Whether the server has closed, or sent something, before `patience` is over.
  [[nodiscard]] bool closed_within(std::chrono::milliseconds patience) const {
    pollfd event{fd_, POLLIN, 0};
    return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
  }

  // Everything until the server closes; a reset counts as closing, silence fails the test.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(pending_, "");
  }

  // Everything up to `end` and with it, or until the server closes.
  std::string read_until(std::string_view end) {
    while (pending_.find(end) == std::string::npos && read_some()) {
    }
    const std::size_t size = std::min(pending_.find(end), pending_.size() - end.size()) + end.size();
    std::string text = pending_.substr(0, size);
    pending_.erase(0, size);
    return text;
  }

  // One response: its head and, by Content-Length, its body. `body` is left_out for the answer to HEAD.
  enum class Body : std::uint8_t { sent, left_out };
  std::string read_response(Body body = Body::sent) {
    while (pending_.find("\r\n\r\n") == std::string::npos) {
      if (!read_some()) return std::exchange(pending_, "");
    }
    std::size_t size = pending_.find("\r\n\r\n") + 4;
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = pending_.find(kLength);
    if (body == Body::sent && at < size) size += std::strtoul(pending_.c_str() + at + kLength.size(), nullptr, 10);
    while (pending_.size() < size && read_some()) {
    }
    std::string response = pending_.substr(0, size);
    pending_.erase(0, size);
    return response;
  }

  std::string ask(std::string_view request) {
    send(request);
    return read_response();
  }

 private:
  void connect(const sockaddr* address, socklen_t length) {
    fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd_ < 0 || ::connect(fd_, address, length) != 0) std::abort();
  }
  bool read_some() {
    std::vector<char> chunk(65'536);
    ssize_t size = 0;
    do size = ::recv(fd_, chunk.data(), chunk.size(), 0);
    while (size < 0 && errno == EINTR);  // with a time-out, a process that was stopped and goes on
    EXPECT_TRUE(size >= 0 || errno == ECONNRESET) << "the server neither answered nor closed";
    if (size <= 0) return false;
    pending_.append(chunk.data(), static_cast<std::size_t>(size));
    return true;
  }

  int fd_ = -1;
  std::string pending_;
};

inline unsigned status_of(std::string_view response) {
  unsigned status = 0;
  if (response.starts_with("HTTP/1.1 ")) std::from_chars(response.data() + 9, response.data() + 12, status);
  return status;
}

inline std::string body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(response.substr(end + 4));
}

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

inline std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

// What the servers of the tests answer.
inline Router test_router() {
  Router router;
  router.add(Method::get, "/hello", [](const Request&) { return Response{.body = "hello\n"}; });
  router.add(Method::get, "/hello/{name}",
             [](const Request& request) { return Response{.body = "hello " + request.path_parameter("name") + "\n"}; });
  router.add(Method::post, "/echo", [](const Request& request) { return Response{.body = request.body}; });
  router.add(Method::get, "/size/{bytes}", [](const Request& request) {
    return Response{.body = std::string(std::strtoul(request.path_parameter("bytes").c_str(), nullptr, 10), 'x')};
  });
  router.add(Method::get, "/later", [](Request request) -> Task<Response> {
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    co_return Response{.body = "later " + request.peer + "\n"};
  });
  router.add(Method::get, "/never", [](Request) -> Task<Response> {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_return Response{};
  });
  router.add(Method::get, "/throws", [](const Request&) -> Response { throw std::runtime_error("on purpose"); });
  router.add(Method::get, "/throws-later", [](Request) -> Task<Response> {
    throw std::runtime_error("on purpose");
    co_return Response{};
  });
  return router;
}

}  // namespace holdfast::control
