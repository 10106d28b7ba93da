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

#include "entry/acceptor.h"
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
  // At most `most` bytes of what has come: a slow reader.
  void take(std::size_t most) {
    const std::size_t before = got.size();
    got.resize(before + most);
    const ssize_t count = ::recv(fd(), got.data() + before, most, MSG_DONTWAIT);
    const int failure = errno;
    got.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count == 0) ended = true;
    if (count < 0 && failure != EAGAIN) error = failure;
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
      : admission_(std::make_shared<entry::Admission>(listener, process, base::SipKey{1, 2})),
        admission(*admission_),
        snapshot_(make_pools(servers)),
        notices_(1024, wake_),
        scan_results(64, wake_) {
    rules_->pool = 0;
    rules_->proxy_protocol = listener.proxy_protocol;
    rules_->proxy_protocol_timeout = std::chrono::milliseconds(200);
    rules_->handshake_timeout = std::chrono::seconds(10);
    rules_->admission = admission_;
    rules_->slot = slot_;
    wakers_.add(loop);
    context_ = {.listeners = &listeners_,
                .counters = &worker_counters,
                .servers = &slots,
                .pools = &snapshot_,
                .descriptors = &descriptors,
                .notices = &notices_,
                .scan_results = &scan_results,
                .workers = &wakers_,
                .local_ports = &local_ports,
                .first_id = 1,
                .id_step = 1};
  }

  static config::Listener plain_listener() {
    config::Listener listener;
    listener.max_connections = 1000;
    return listener;
  }

  // The parts are made late, so that a test can change the rules first.
  void open() {
    listen();
    publish();
    relays_ = std::make_unique<Relays>(loop, context_);
    acceptor_ = std::make_unique<entry::Acceptor>(loop, context_.number,
                                                  entry::Acceptor::Cost{descriptors, kRelayDescriptors}, *relays_);
    refresh();
  }

  // Turns the loop until `done`, which is looked at between turns. Fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const auto deadline = base::Clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(base::Clock::now(), deadline) << "it did not come to pass";
      loop.turn(5ms, [this] { refresh(); });
    }
  }
  void refresh() {
    if (relays_->refresh()) acceptor_->refresh();
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
  // Before open(), or to be followed by publish().
  ListenerRules& rules() { return *rules_; }
  // The listener has other rules from the next turn on: a copy of these, and the sockets that there are.
  void publish() {
    auto listeners = std::make_shared<Listeners>();
    listeners->rules.push_back(std::make_shared<ListenerRules>(*rules_));
    listeners->sockets = sockets;
    listeners_.publish(std::move(listeners));
  }
  // Another socket of the listener, which connect() uses.
  void listen() {
    net::Fd fd = *net::open_listener(loopback(), {}, net::Sharing::reuse_port);
    address_ = *net::SocketAddress::local_of(fd.get());
    sockets.push_back(std::make_shared<entry::ListenSocket>(std::move(fd), address_, std::uint16_t{0}, others));
  }
  std::uint64_t refused(entry::RefuseReason reason) {
    return counters[0].refused[static_cast<std::size_t>(reason)].value();
  }
  void set_pool(const std::function<void(Pool&)>& change) {
    auto pool = std::make_shared<Pool>(*snapshot_.newest()->pools[0]);
    change(*pool);
    auto pools = std::make_shared<Pools>();
    pools->pools.push_back(std::move(pool));
    snapshot_.publish(std::move(pools));
  }
  void remove_pool() {
    auto nobody = std::make_shared<Pool>();  // as Directory has it in an empty slot
    nobody->load = &nobodys_load_;
    auto pools = std::make_shared<Pools>();
    pools->pools.push_back(std::move(nobody));
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
  PoolLoad load{kWorkersMax};
  entry::ProcessLimit process;

 private:
  std::shared_ptr<const entry::Admission> admission_;
  std::shared_ptr<ListenerSlot> slot_ = std::make_shared<ListenerSlot>(1);

 public:
  const entry::Admission& admission;
  std::span<ListenerCounters> counters{&slot_->counters(0), 1};
  std::atomic<net::PortRange> local_ports{net::PortRange{}};
  WorkerCounters worker_counters;
  net::DescriptorBudget descriptors{1000};
  net::DescriptorBudget others{1000};  // for what is no connection
  std::vector<std::shared_ptr<entry::ListenSocket>> sockets;

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

  PoolLoad nobodys_load_;
  std::vector<net::Fd> servers_;
  base::Snapshot<Pools> snapshot_;
  base::EventFd wake_;
  Notices notices_;

 public:
  ScanResults scan_results;

 private:
  std::shared_ptr<ListenerRules> rules_ = std::make_shared<ListenerRules>();
  base::Snapshot<Listeners> listeners_{std::make_shared<const Listeners>()};
  Wakers wakers_;
  WorkerContext context_;
  std::unique_ptr<Relays> relays_;
  std::unique_ptr<entry::Acceptor> acceptor_;
  net::SocketAddress address_;
};

}  // namespace holdfast::gateway
