// gateway/gateway_rig.h: for tests: a whole gateway with its workers, made from the text of a configuration, servers
// that echo, and clients.
//
// Thread: the test's is control, which runs while the test waits; the servers share one of their own.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/parse.h"
#include "gateway/gateway.h"
#include "net/socket.h"
#include "net/transport.h"

namespace holdfast::gateway {

using namespace std::chrono_literals;

inline net::SocketAddress address_of(const std::string& text) {
  return *net::SocketAddress::from(*base::parse_endpoint(text));
}

// Sends back whatever comes, with its letter before each piece.
class EchoServer {
 public:
  explicit EchoServer(char letter)
      : letter_(letter),
        listener_(*net::open_listener(address_of("127.0.0.1:0"), {}, net::Sharing::alone)),
        address_(net::SocketAddress::local_of(listener_.get())->text()),
        thread_([this] { run(); }) {}
  ~EchoServer() {
    stopping_ = true;
    thread_.join();
  }

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  void run() {
    std::vector<pollfd> fds{{listener_.get(), POLLIN, 0}};
    while (!stopping_) {
      (void)::poll(fds.data(), fds.size(), 20);
      for (std::size_t i = 1; i < fds.size(); ++i) {
        if (fds[i].revents == 0 || echo(fds[i].fd)) continue;
        ::close(fds[i].fd);
        fds[i].fd = -1;
      }
      std::erase_if(fds, [](const pollfd& each) { return each.fd < 0; });
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) fds.push_back({fd, POLLIN, 0});
    }
    for (std::size_t i = 1; i < fds.size(); ++i) ::close(fds[i].fd);
  }
  [[nodiscard]] bool echo(int fd) const {
    char buffer[4096];
    buffer[0] = letter_;
    const ssize_t got = ::recv(fd, buffer + 1, sizeof buffer - 1, MSG_DONTWAIT);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    return ::send(fd, buffer, static_cast<std::size_t>(got) + 1, MSG_NOSIGNAL) == got + 1;
  }

  const char letter_;
  net::Fd listener_;
  const std::string address_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class GatewayRig {
 public:
  // `text` as in a file; %a and %b stand for the servers' addresses.
  explicit GatewayRig(const std::string& text) : data_(make_directory()) {
    gateway = std::make_unique<Gateway>(runtime_, settings(text), descriptors_, process_, Verbosity::ends);
    bool ready = false;
    gateway->start([&ready] { ready = true; });
    until([&ready] { return ready; });
  }
  ~GatewayRig() {
    gateway.reset();
    std::filesystem::remove_all(data_);
  }

  [[nodiscard]] config::Settings settings(std::string text) const {
    put(text, "%a", a.address());
    put(text, "%b", b.address());
    auto parsed = config::parse_text(text, "test");
    for (const config::Fault& fault : parsed.faults) ADD_FAILURE() << config::to_text(fault);
    parsed.settings->node.data_dir = data_;
    return *parsed.settings;
  }
  void apply(const std::string& text, RuntimeChanges runtime = RuntimeChanges::drop) {
    gateway->apply(gateway->prepare(settings(text), runtime));
  }
  // What prepare() says against it; empty when nothing.
  [[nodiscard]] std::string refusal(const std::string& text, RuntimeChanges runtime = RuntimeChanges::drop) {
    try {
      (void)gateway->prepare(settings(text), runtime);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  // Lets control run until `done`, which is looked at in between. Fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const auto deadline = base::Clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(base::Clock::now(), deadline) << "it did not come to pass";
      runtime_.context().restart();
      runtime_.context().run_for(2ms);
    }
  }

  [[nodiscard]] ListenerStatus listener(const std::string& name) const {
    for (const ListenerStatus& each : gateway->status().listeners) {
      if (each.name == name) return each;
    }
    return {};
  }
  [[nodiscard]] std::string address(const std::string& name) const { return listener(name).addresses.at(0); }

  EchoServer a{'a'};
  EchoServer b{'b'};

 private:
  static std::filesystem::path make_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  static void put(std::string& text, const std::string& mark, const std::string& value) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark)) text.replace(at, mark.size(), value);
  }

  std::filesystem::path data_;
  control::Runtime runtime_;
  net::DescriptorBudget descriptors_{100'000};
  entry::ProcessLimit process_;

 public:
  std::unique_ptr<Gateway> gateway;
};

class Client {
 public:
  explicit Client(const std::string& address) : fd_(*net::dial(address_of(address), {})) {}

  // What the server answers, with its letter; less when the connection ends.
  [[nodiscard]] std::string ask(const std::string& text) {
    send(text);
    return answer(text.size() + 1);
  }
  void send(const std::string& text) {
    wait(POLLOUT);
    (void)::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);  // what becomes of it the answer shows
  }
  [[nodiscard]] std::string answer(std::size_t bytes) {
    std::string got(bytes, 0);
    std::size_t have = 0;
    while (have < bytes) {
      wait(POLLIN);
      const ssize_t count = ::recv(fd_.get(), got.data() + have, bytes - have, MSG_DONTWAIT);
      if (count <= 0) break;
      have += static_cast<std::size_t>(count);
    }
    return got.substr(0, have);
  }
  [[nodiscard]] bool has_ended() const {
    char byte;
    const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }
  void close() { fd_ = net::Fd(); }

 private:
  void wait(short events) const {
    pollfd fd{fd_.get(), events, 0};
    ASSERT_GT(::poll(&fd, 1, 10'000), 0) << "the relay is silent";
  }

  net::Fd fd_;
};

}  // namespace holdfast::gateway
