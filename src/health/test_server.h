// health/test_server.h: for tests: servers that answer probes in any wrong way, and the control thread for one probe.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "control/runtime.h"
#include "health/probe.h"

namespace holdfast::health {

// The server's end of a connection. Reads give up after 30 s, so that a test fails rather than hangs.
class Conversation {
 public:
  enum class End : std::uint8_t { closed, reset };
  struct Heard {
    std::string bytes;
    End end = End::closed;
  };

  explicit Conversation(int fd) : fd_(fd) {
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Conversation() { ::close(fd_); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // False when the probe has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // One byte a millisecond, until the probe closes.
  void drip(std::string_view bytes) const {
    for (std::size_t i = 0; send(bytes.substr(i % bytes.size(), 1)) && !closed_within(std::chrono::milliseconds{1});) {
      ++i;
    }
  }
  [[nodiscard]] bool closed_within(std::chrono::milliseconds patience) const {
    pollfd event{fd_, POLLRDHUP, 0};
    return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
  }
  std::string read_until(std::string_view end) const {
    std::string bytes;
    char c = 0;
    while (!bytes.ends_with(end) && receive(c) == 1) bytes += c;
    return bytes;
  }
  [[nodiscard]] Heard read_all() const {
    Heard heard;
    char c = 0;
    ssize_t size = 0;
    while ((size = receive(c)) == 1) heard.bytes += c;
    EXPECT_TRUE(size == 0 || errno == ECONNRESET) << "the probe did not close";
    heard.end = size == 0 ? End::closed : End::reset;
    return heard;
  }
  [[nodiscard]] std::uint16_t local_port() const {
    sockaddr_in local{};
    socklen_t length = sizeof local;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &length);
    return ntohs(local.sin_port);
  }
  // The end of this conversation is a reset.
  void reset() const {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  // With a time-out, recv() is interrupted when the process was stopped and goes on.
  [[nodiscard]] ssize_t receive(char& c) const {
    ssize_t size = 0;
    do size = ::recv(fd_, &c, 1, 0);
    while (size < 0 && errno == EINTR);
    return size;
  }

  int fd_;
};

// A socket on 127.0.0.1, or on a unix path, that listens or does not.
class Port {
 public:
  enum class State : std::uint8_t { listening, refusing };

  explicit Port(State state = State::listening, int backlog = 4096, const std::string& path = "") {
    sockaddr_un local{AF_UNIX, {}};
    sockaddr_in v4{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
    path.copy(local.sun_path, sizeof local.sun_path - 1);
    auto* const address = path.empty() ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&local);
    socklen_t length = path.empty() ? sizeof v4 : sizeof local;
    fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 || ::bind(fd_, address, length) != 0) std::abort();
    if (state == State::listening && ::listen(fd_, backlog) != 0) std::abort();
    if (path.empty()) ::getsockname(fd_, address, &length);
    endpoint_ = path.empty() ? base::Endpoint{base::Endpoint::Kind::ipv4, "127.0.0.1", ntohs(v4.sin_port)}
                             : base::Endpoint{base::Endpoint::Kind::unix_path, path, 0};
  }
  ~Port() {
    for (const int fd : clients_) ::close(fd);
    ::close(fd_);
    if (endpoint_.kind == base::Endpoint::Kind::unix_path) ::unlink(endpoint_.host.c_str());
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] const base::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] int fd() const { return fd_; }
  // Whoever connects after this waits for ever.
  void fill_queue() {
    for (int i = 0; i < 4; ++i) {
      clients_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const sockaddr_in v4{AF_INET, htons(endpoint_.port), {htonl(INADDR_LOOPBACK)}, {}};
      ::connect(clients_.back(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
  }

 private:
  int fd_ = -1;
  base::Endpoint endpoint_;
  std::vector<int> clients_;
};

// Serves one connection after the other on a thread of its own.
class ScriptedServer {
 public:
  using Talk = std::function<void(Conversation&)>;

  explicit ScriptedServer(Talk talk, const std::string& path = "")
      : port_(Port::State::listening, 4096, path), talk_(std::move(talk)), thread_([this] { serve(); }) {}
  ~ScriptedServer() {
    ::shutdown(port_.fd(), SHUT_RDWR);  // ends the accept
    thread_.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] const base::Endpoint& endpoint() const { return port_.endpoint(); }

 private:
  void serve() {
    for (int fd = accept(); fd >= 0; fd = accept()) {
      Conversation conversation(fd);
      talk_(conversation);
    }
  }
  [[nodiscard]] int accept() const {
    int fd = -1;
    do {
      fd = ::accept4(port_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd;
  }

  Port port_;
  Talk talk_;
  std::thread thread_;
};

// What the configuration has by default, but with much time.
inline config::Health settings_of(config::HealthType type) {
  config::Health settings;
  settings.type = type;
  settings.interval = std::chrono::seconds{2};
  settings.timeout = std::chrono::seconds{20};
  settings.method = "GET";
  settings.path = "/";
  settings.status = {{200, 399}};
  return settings;
}

inline control::Task<> keep(control::Task<Outcome> asking, std::function<void(const Outcome&)> keeper) {
  const Outcome outcome = co_await std::move(asking);
  keeper(outcome);
}

// Runs one probe to its end.
inline Outcome outcome_of(control::Task<Outcome> asking) {
  control::Runtime runtime;
  std::optional<Outcome> kept;
  const control::Job job = runtime.spawn("test", keep(std::move(asking), [&](const Outcome& outcome) {
                                           kept = outcome;
                                           runtime.stop();
                                         }));
  runtime.run();
  return *kept;
}

inline Outcome ask(const config::Health& settings, const base::Endpoint& server, std::string preamble = "") {
  return outcome_of(probe(std::make_shared<config::Health>(settings), Target{server, std::move(preamble)}));
}

}  // namespace holdfast::health
