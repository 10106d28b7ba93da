// net/socket.h: sockets that listen and sockets that dial, with the options that long-lived connections want.
//
// Thread: any; plain system calls. Every socket is non-blocking and close-on-exec, and every TCP socket has
//         TCP_NODELAY.
#pragma once

#include <chrono>
#include <utility>

#include "base/result.h"
#include "net/address.h"

namespace holdfast::net {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct TcpOptions {
  std::chrono::seconds keepalive{0};  // 0: no probes. Else the first after this, then 3 more, a quarter of it apart
  std::chrono::milliseconds user_timeout{0};  // TCP_USER_TIMEOUT; 0: the kernel's default
  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

// Who else may listen on the same address: other workers of this process do, each with a socket of its own.
enum class Sharing : std::uint8_t { alone, reuse_port };

// A listening socket. Accepted sockets inherit `options`, so accepting costs one system call.
// An IPv6 address takes IPv6 only, so that [::]:1883 and 0.0.0.0:1883 can stand side by side.
// A unix socket's stale file (nobody listens there) is replaced. Errors: system, with errno of the call that failed.
[[nodiscard]] base::Result<Fd> open_listener(const SocketAddress& address, TcpOptions options, Sharing sharing);
// The same in two steps: the first takes the address, and nobody can connect before the second.
[[nodiscard]] base::Result<Fd> bind_listener(const SocketAddress& address, TcpOptions options, Sharing sharing);
[[nodiscard]] base::Result<void> begin_listening(int fd) noexcept;
// Gives a listening socket of TCP other options, and so every socket that it will accept.
[[nodiscard]] base::Result<void> change_options(int fd, TcpOptions options) noexcept;
// Another descriptor of the same socket.
[[nodiscard]] base::Result<Fd> duplicate(int fd) noexcept;

// Fails with EADDRINUSE when somebody else listens there. Sharing::reuse_port alone would join them without a word.
[[nodiscard]] base::Result<void> check_unused(const SocketAddress& address);

// Begins to connect; the result comes as an event (writable: connected; broken: take_error() says why). With `from`, of
// the family of `address`, it connects from there; the port is chosen only when the whole way is known
// (IP_BIND_ADDRESS_NO_PORT), so that every server has all ports of the source address to itself.
// Errors: exhausted (descriptors, ports), refused, unreachable, not_found (unix; `from` is no address of this machine),
// system; system_errno says which.
[[nodiscard]] base::Result<int> dial(const SocketAddress& address, TcpOptions options,
                                     const SocketAddress* from = nullptr) noexcept;

// Whether a connection to `port` has met itself: when nobody listens at a local port that the kernel may connect from,
// it can choose that very port, and both ends are the same socket (simultaneous open, RFC9293 3.5). One system call
// when it has not.
[[nodiscard]] bool met_itself(int fd, std::uint16_t port) noexcept;

}  // namespace holdfast::net
