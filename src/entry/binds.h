// entry/binds.h: the addresses that a listener listens at, and how they are opened while others go on.
//
// Thread: control. Errors: std::runtime_error with a text for the operator.
// A bind is opened in two steps: taken, so that nobody else can have it, and then listened at, so that clients can
// connect. Between the two it can be given up without anybody having noticed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "config/settings.h"
#include "control/listen_socket.h"
#include "entry/listen_socket.h"

namespace holdfast::entry {

struct Bind {
  base::Endpoint endpoint;     // as configured
  net::SocketAddress address;  // as bound: a port 0 has become a real one
  // One a worker, so that the kernel spreads the clients; of a unix socket one for all.
  std::vector<std::shared_ptr<ListenSocket>> sockets{};
  std::shared_ptr<control::UnixPathOwner> path{};
};

class Binder {
 public:
  // For so many workers, by number from 0. `budget` is asked for a descriptor for each socket.
  Binder(std::size_t workers, net::DescriptorBudget& budget) : workers_(workers), budget_(budget) {}

  // Takes the address. One that somebody listens at is an error, unless a socket of `leaving`, which are ours, has its
  // port: that one is what would be met.
  [[nodiscard]] Bind open(const config::Entrance& entrance, const base::Endpoint& endpoint,
                          std::span<const net::SocketAddress> leaving) const;
  // The listener goes on where `from` was: with the same queues in the kernel, so no client is lost.
  [[nodiscard]] Bind hand_on(const config::Entrance& entrance, const base::Endpoint& endpoint, const Bind& from) const;
  // What workers that come later need to take part in `bind`.
  [[nodiscard]] std::vector<std::shared_ptr<ListenSocket>> for_more_workers(const config::Entrance& entrance,
                                                                            const Bind& bind) const;

 private:
  void add_socket(Bind& bind, const config::Entrance& entrance, std::size_t worker) const;

  std::size_t workers_;
  net::DescriptorBudget& budget_;
};

[[nodiscard]] net::TcpOptions tcp_options(const config::Entrance& entrance);
// Clients can connect from now on.
void begin_listening(const Bind& bind);

}  // namespace holdfast::entry
