// net/transport.h: one leg of a connection as its user sees it. Plain sockets today; TLS takes its
// place behind the same face.
//
// Thread: the owner loop's thread only. Cost: one system call each. Never blocks, never raises SIGPIPE.
// Memory: 8 bytes, a value. It does not own the descriptor: whoever holds it calls close() or abort() once.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::net {

enum class IoStatus : std::uint8_t {
  ok,      // `bytes` were moved, at least one
  again,   // nothing now; an event will come
  end,     // reading only: the peer has ended its side, and everything before that was read
  failed,  // the connection is gone; `error` says how
};

struct IoResult {
  IoStatus status = IoStatus::again;
  int error = 0;
  std::size_t bytes = 0;
};

class Transport {
 public:
  Transport() = default;
  explicit Transport(int fd) noexcept : fd_(fd) {}

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }

  [[nodiscard]] IoResult read(std::span<std::byte> into) noexcept;
  // The same bytes, left where they are. Of the socket itself: what a peer says before any other protocol.
  [[nodiscard]] IoResult peek(std::span<std::byte> into) noexcept;
  [[nodiscard]] IoResult write(std::span<const std::byte> from) noexcept;
  [[nodiscard]] IoResult write(std::span<const iovec> pieces) noexcept;
  // Tells the peer that no more will come; what was written before still arrives.
  void end_writing() noexcept;
  // Whether the peer has ended its side, however much of what it said before is still to be read.
  [[nodiscard]] bool peer_has_ended() const noexcept;
  // How much has been received and not been read; what stands behind urgent data is not counted.
  [[nodiscard]] std::uint32_t unread_bytes() const noexcept;
  // How much of what was written, its end included, the peer has not acknowledged.
  [[nodiscard]] std::uint32_t untaken_bytes() const noexcept;
  [[nodiscard]] bool all_delivered() const noexcept { return untaken_bytes() == 0; }
  // The error that waits at the socket, 0 for none. Reading it takes it away.
  [[nodiscard]] int take_error() noexcept;
  void close() noexcept;
  // Resets the connection: the peer learns at once that something went wrong.
  void abort() noexcept;

 private:
  enum class Kind : std::uint8_t { plain };

  int fd_ = -1;
  [[maybe_unused]] Kind kind_ = Kind::plain;
};
static_assert(sizeof(Transport) == 8);

}  // namespace holdfast::net
