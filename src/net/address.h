// net/address.h: socket addresses as values.
//
// Thread: values. Cost: no allocation but in text().
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>

#include "base/endpoint.h"
#include "base/peer_address.h"
#include "base/result.h"

namespace holdfast::net {

// An address as the kernel takes it.
class SocketAddress {
 public:
  SocketAddress() = default;

  // Errors: unsupported for a host name, which must be resolved first.
  [[nodiscard]] static base::Result<SocketAddress> from(const base::Endpoint& endpoint);
  // The local address of a socket: what a bind to port 0 has become.
  [[nodiscard]] static base::Result<SocketAddress> local_of(int fd);

  // The address of a socket's peer.
  [[nodiscard]] static base::Result<SocketAddress> remote_of(int fd);

  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  // For calls that fill an address in: the room there is, and then what came.
  [[nodiscard]] socklen_t* room() noexcept {
    size_ = sizeof storage_;
    return &size_;
  }
  [[nodiscard]] int family() const noexcept { return storage_.any.ss_family; }
  [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
  // The path of a unix address; empty for others.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] base::PeerAddress peer() const noexcept;
  // As base::Endpoint writes it: "[::1]:1883", "unix:/path".
  [[nodiscard]] std::string text() const;

 private:
  union {
    sockaddr_storage any;
    sockaddr_un unix_path;
  } storage_{};
  socklen_t size_ = 0;
};

}  // namespace holdfast::net
