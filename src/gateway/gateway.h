// gateway/gateway.h: the gateway role of a process: its listeners, pools and workers.
//
// Thread: control. The workers are its own.
// Life:   constructed (every socket is bound), start(), perhaps drain(), destroyed (every connection has ended).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "control/listen_socket.h"
#include "control/wakeup.h"
#include "gateway/connection_log.h"
#include "gateway/directory.h"
#include "gateway/status.h"
#include "gateway/worker.h"

namespace holdfast::gateway {

class Gateway {
 public:
  // Throws std::runtime_error with a text for the operator when a socket cannot be bound: nothing is served then.
  Gateway(control::Runtime& runtime, const config::Settings& settings, std::uint64_t descriptor_limit,
          Verbosity verbosity);
  ~Gateway();

  // Serves from now on; calls `on_ready` when it does. Host names are resolved first, or given up for the time being.
  void start(std::function<void()> on_ready);

  // Accepts no more, waits until the last connection has ended or `timeout` is over, ends the rest orderly, and calls
  // `on_drained` with the number of those.
  void drain(std::chrono::milliseconds timeout, std::function<void(std::uint64_t cut)> on_drained);

  [[nodiscard]] std::uint64_t connections() const;
  [[nodiscard]] Status status() const;

 private:
  struct Listener {
    Listener(const config::Listener& from, ProcessLimit& process, const policy::HashSeed& seed)
        : settings(from), admission(from, process, seed) {}
    config::Listener settings;
    Admission admission;
    std::vector<net::SocketAddress> bound;
  };

  void make_rules(const config::Settings& settings);
  void make_workers(std::size_t count, Verbosity verbosity);
  void bind(Listener& listener, std::uint16_t number, const base::Endpoint& endpoint);
  void check_drained();
  void tell_descriptors() const;
  void stop_listening();
  [[nodiscard]] ListenerStatus status_of(std::size_t listener) const;
  void hear(const Notice& notice);

  control::Runtime& runtime_;
  ProcessLimit process_;
  std::deque<Listener> listeners_;
  std::vector<ListenerRules> rules_;
  Directory directory_;
  net::DescriptorBudget descriptors_;
  std::atomic<net::PortRange> local_ports_;
  ConnectionLog log_;
  control::Wakeup wakeup_;
  Notices notices_;
  std::vector<std::vector<ListenerCounters>> listener_counters_;  // of each worker
  std::vector<WorkerCounters> worker_counters_;
  std::vector<net::Fd> sockets_;
  std::vector<base::Waker*> wakers_;              // of the workers
  std::vector<std::unique_ptr<Worker>> workers_;  // ended first

  std::vector<std::unique_ptr<control::UnixPathOwner>> unix_paths_;

  bool started_ = false;
  std::unique_ptr<control::Ticker> ports_ticker_;
  std::unique_ptr<control::Ticker> drain_ticker_;
  base::Time drain_deadline_;
  std::function<void(std::uint64_t)> on_drained_;
};

}  // namespace holdfast::gateway
