// gateway/relays_rig.h: for tests: a worker's relays over real sockets, on a loop that the test turns by hand.
//
// Thread: the test's.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/acceptor.h"
#include "gateway/relays.h"

namespace holdfast::gateway {

using namespace std::chrono_literals;

// A blocking-free socket of the test's own: a client or a server.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&&) = default;
  Peer& operator=(Peer&&) = default;

  [[nodiscard]] int fd() const { return fd_.get(); }
  void send(const std::string& text) {
    ASSERT_EQ(::send(fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // As much as goes without waiting.
  std::size_t send_some(const std::string& text) {
    const ssize_t sent = ::send(fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // What has come so far; `ended` and `error` say how it stopped.
  void drain() {
    char buffer[65'536];
    for (;;) {
      const ssize_t count = ::recv(fd(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) {
        got.append(buffer, static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0) ended = true;
      if (count < 0 && errno != EAGAIN) error = errno;
      return;
    }
  }
  void end_writing() { ::shutdown(fd(), SHUT_WR); }
  void close() { fd_ = net::Fd(); }
  void reset() { net::Transport(fd_.release()).abort(); }

  std::string got;
  bool ended = false;
  int error = 0;

 private:
  net::Fd fd_;
};

inline net::SocketAddress loopback() { return *net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:0")); }

// A gateway's worker without its thread: one listener, one pool, servers that the test plays itself.
class Rig {
 public:
  explicit Rig(std::size_t servers = 1, const config::Listener& listener = plain_listener())
      : admission(listener, process, {1, 2}), snapshot_(make_pools(servers)), notices_(1024, wake_) {
    rules_[0].proxy_protocol = listener.proxy_protocol;
    rules_[0].proxy_protocol_timeout = std::chrono::milliseconds(200);
    rules_[0].handshake_timeout = std::chrono::seconds(10);
    rules_[0].admission = &admission;
    wakers_[0] = &loop;
    context_ = {.listeners = rules_,
                .listener_counters = counters,
                .counters = &worker_counters,
                .servers = &slots,
                .pools = &snapshot_,
                .descriptors = &descriptors,
                .notices = &notices_,
                .workers = wakers_,
                .local_ports = &local_ports};
  }

  static config::Listener plain_listener() {
    config::Listener listener;
    listener.max_connections = 1000;
    return listener;
  }

  // The parts are made late, so that a test can change the rules first.
  void open() {
    relays_ = std::make_unique<Relays>(loop, context_);
    acceptor_ = std::make_unique<Acceptor>(loop, context_, *relays_);
    listener_ = *net::open_listener(loopback(), {}, net::Sharing::alone);
    address_ = *net::SocketAddress::local_of(listener_.get());
    ASSERT_TRUE(acceptor_->add(listener_.get(), 0, net::Loop::Watch::both_ways));
  }

  // Turns the loop until `done`, which is looked at between turns. Fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const auto deadline = base::Clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(base::Clock::now(), deadline) << "it did not come to pass";
      loop.turn(5ms, [this] { relays_->refresh(); });
    }
  }
  // So many turns that whatever is under way has happened.
  void settle() {
    for (int i = 0; i < 20; ++i) loop.turn(1ms, [] {});
  }

  Peer connect() { return Peer(*net::dial(address_, {})); }
  Peer accept(std::size_t server = 0) {
    int fd = -1;
    until([&] {
      fd = ::accept4(servers_[server].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      return fd >= 0;
    });
    return Peer(fd);
  }
  void stop_server(std::size_t server) { servers_[server] = net::Fd(); }

  std::uint64_t closed(CloseReason reason) { return counters[0].closed[static_cast<std::size_t>(reason)].value(); }
  Relays& relays() { return *relays_; }
  std::size_t take_notices(const std::function<void(const Notice&)>& see = [](const Notice&) {}) {
    return notices_.take(see);
  }
  ListenerRules& rules() { return rules_[0]; }
  std::uint64_t refused(RefuseReason reason) { return counters[0].refused[static_cast<std::size_t>(reason)].value(); }
  void set_pool(const std::function<void(Pool&)>& change) {
    auto pool = std::make_shared<Pool>(*snapshot_.newest()->pools[0]);
    change(*pool);
    auto pools = std::make_shared<Pools>();
    pools->pools.push_back(std::move(pool));
    snapshot_.publish(std::move(pools));
  }
  static void set_weight(Pool& pool, std::size_t server, std::uint32_t weight) {
    pool.tiers[0].servers[server].weight = weight;
  }
  static void set_max_connections(Pool& pool, std::size_t server, std::uint32_t limit) {
    pool.servers[server].max_connections = pool.tiers[0].servers[server].max_connections = limit;
  }

  net::Loop loop;
  ServerSlots slots;
  PoolLoad load{1};
  ProcessLimit process;
  Admission admission;
  std::atomic<net::PortRange> local_ports{net::PortRange{}};
  std::vector<ListenerCounters> counters{1};
  WorkerCounters worker_counters;
  net::DescriptorBudget descriptors{1000};

 private:
  std::shared_ptr<const Pools> make_pools(std::size_t count) {
    auto pool = std::make_shared<Pool>();
    pool->name = "p";
    pool->load = &load;
    pool->policy = policy::Kind::round_robin;
    pool->connect_timeout = std::chrono::seconds(5);
    pool->retries = 3;
    for (std::uint32_t i = 0; i < count; ++i) {
      servers_.push_back(*net::open_listener(loopback(), {}, net::Sharing::alone));
      Server server;
      server.slot = *slots.open("p", "s" + std::to_string(i), 1);
      server.name = "s" + std::to_string(i);
      server.addresses.push_back(*net::SocketAddress::local_of(servers_.back().get()));
      pool->tiers[0].members.push_back(i);
      pool->tiers[0].servers.push_back({.weight = 100, .load = &slots[server.slot].load});
      pool->servers.push_back(std::move(server));
    }
    auto pools = std::make_shared<Pools>();
    pools->pools.push_back(std::move(pool));
    return pools;
  }

  std::vector<net::Fd> servers_;
  base::Snapshot<Pools> snapshot_;
  base::EventFd wake_;
  Notices notices_;
  std::vector<ListenerRules> rules_{1};
  std::vector<base::Waker*> wakers_{1};
  WorkerContext context_;
  std::unique_ptr<Relays> relays_;
  std::unique_ptr<Acceptor> acceptor_;
  net::Fd listener_;
  net::SocketAddress address_;
};

}  // namespace holdfast::gateway
