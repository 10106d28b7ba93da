// entry/listen_socket.h: a listening socket, as control opens it and workers accept from it.
//
// Thread: made on control; read by workers. What changes is written by control alone, before a snapshot is published.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "net/address.h"
#include "net/descriptors.h"
#include "net/socket.h"

namespace holdfast::entry {

// One listening socket: of one worker, or of all of them. The descriptor is closed when the last holder lets go: a
// worker does when it has taken what the kernel has queued.
class ListenSocket {
 public:
  // `budget` has given one descriptor for it, and gets it back.
  ListenSocket(net::Fd fd, const net::SocketAddress& address, std::optional<std::uint16_t> worker,
               net::DescriptorBudget& budget)
      : fd_(std::move(fd)), address_(address), worker_(worker), budget_(budget) {}
  ~ListenSocket() { budget_.give(1); }
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const net::SocketAddress& address() const noexcept { return address_; }
  [[nodiscard]] bool is_of(std::uint16_t worker) const noexcept { return !worker_ || *worker_ == worker; }
  [[nodiscard]] bool is_shared() const noexcept { return !worker_; }

  // Written by control before the snapshot is published that has, or no longer has, this socket.
  std::uint16_t listener = 0;
  bool handed_on = false;  // another listener goes on with the same queue: leave it as it is

 private:
  const net::Fd fd_;
  const net::SocketAddress address_;
  const std::optional<std::uint16_t> worker_;
  net::DescriptorBudget& budget_;
};

}  // namespace holdfast::entry
