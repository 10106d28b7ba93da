// load/server.h: the other end of a benchmark: as little work as possible, so that it is never what is measured.
//
// Thread: one loop's. Cost of an echo: one read and one write. Memory: 48 bytes for an idle connection; what a client
//         does not read is kept in pooled chunks, at most one read (64 KiB) of it, and then nothing more is read from
//         it.
// Limits: 2^24 connections; when descriptors run out, what waits is accepted with the next new connection.
#pragma once

#include <vector>

#include "base/counter.h"
#include "base/slab.h"
#include "net/buffer_pool.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/transport.h"

namespace holdfast::load {

enum class Service : std::uint8_t {
  echo,    // sends back what comes
  sink,    // throws away what comes
  source,  // sends as fast as it goes
};

class Server final : public net::Loop::Source {
 public:
  Server(net::Loop& loop, Service service);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens and returns the address, with the port that was given when it asked for port 0. Several
  // servers may share it.
  [[nodiscard]] base::Result<net::SocketAddress> listen(const net::SocketAddress& address);

  struct Counters {
    base::Counter accepted;
    base::Gauge open;
  };
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Connection {
    net::Transport transport;
    net::BufferChain unsent;
    bool resuming = false;  // the loop was asked to resume it
  };
  enum class Next : std::uint8_t { wait, again, close };

  void on_ready(net::Token token, net::Ready ready) override;
  void on_resume(net::Token token) override;
  void accept_all(int listener);
  void adopt(int fd);
  void serve(base::Key key, net::Ready ready);
  [[nodiscard]] Next step(Connection& connection, net::Ready ready);
  [[nodiscard]] Next echo_step(Connection& connection, net::Ready ready);
  [[nodiscard]] Next sink_step(Connection& connection, net::Ready ready);
  [[nodiscard]] Next source_step(Connection& connection, net::Ready ready);
  [[nodiscard]] Next flush(Connection& connection);
  void close(base::Key key);

  net::Loop& loop_;
  const Service service_;
  const std::uint8_t source_;
  std::vector<net::Fd> listeners_;
  base::Slab<Connection> connections_;
  net::BufferPool pool_;
  std::vector<std::byte> buffer_;
  Counters counters_;
};

}  // namespace holdfast::load
