#include "load/server.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "load/discard.h"

namespace holdfast::load {
namespace {

constexpr std::size_t kEchoBytes = 64 * 1024;
constexpr std::size_t kStreamBytes = 256 * 1024;
constexpr int kStepsPerTurn = 8;  // then it is another connection's turn
constexpr std::uint8_t kListenerPart = 1;

}  // namespace

Server::Server(net::Loop& loop, Service service)
    : loop_(loop),
      service_(service),
      source_(loop.add_source(*this)),
      buffer_(service == Service::echo ? kEchoBytes : kStreamBytes, std::byte{'h'}) {}

Server::~Server() {
  connections_.for_each([](base::Key, Connection& connection) { connection.transport.close(); });
}

base::Result<net::SocketAddress> Server::listen(const net::SocketAddress& address) {
  auto listener = net::open_listener(address, {}, net::Sharing::reuse_port);
  if (!listener) return listener.error();
  const net::Token token{source_, kListenerPart, {static_cast<std::uint32_t>(listeners_.size()), 0}};
  const auto watched = loop_.watch(listener->get(), token, net::Loop::Watch::shared);
  if (!watched) return watched.error();
  listeners_.push_back(std::move(*listener));
  return net::SocketAddress::local_of(listeners_.back().get());
}

void Server::on_ready(net::Token token, net::Ready ready) {
  if (token.part == kListenerPart) return accept_all(listeners_[token.key.index].get());
  if (connections_.find(token.key) != nullptr) serve(token.key, ready);
}

void Server::on_resume(net::Token token) {
  Connection* connection = connections_.find(token.key);
  if (connection == nullptr) return;
  connection->resuming = false;
  serve(token.key, net::Ready{.readable = true, .writable = true, .hangup = true});
}

void Server::accept_all(int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    adopt(fd);
  }
}

void Server::adopt(int fd) {
  const base::Key key = connections_.add();
  connections_[key.index].transport = net::Transport(fd);
  counters_.accepted.add();
  counters_.open.add(1);
  if (!loop_.watch(fd, net::Token{source_, 0, key})) close(key);
}

void Server::serve(base::Key key, net::Ready ready) {
  Connection& connection = connections_[key.index];
  for (int i = 0; i < kStepsPerTurn; ++i) {
    const Next next = step(connection, ready);
    if (next == Next::close) return close(key);
    if (next == Next::wait) return;
  }
  if (!std::exchange(connection.resuming, true)) loop_.resume(net::Token{source_, 0, key});
}

Server::Next Server::step(Connection& connection, net::Ready ready) {
  switch (service_) {
    case Service::sink: return sink_step(connection, ready);
    case Service::source: return source_step(connection, ready);
    case Service::echo: break;
  }
  return echo_step(connection, ready);
}

Server::Next Server::echo_step(Connection& connection, net::Ready ready) {
  const bool was_full = !connection.unsent.empty();
  if (was_full && flush(connection) == Next::close) return Next::close;
  if (!connection.unsent.empty()) return Next::wait;
  // Only with room again is it read on, though no event says that there is something to read.
  if (!was_full && !ready.readable && !ready.hangup && !ready.broken) return Next::wait;
  const net::IoResult got = connection.transport.read(buffer_);
  if (got.status == net::IoStatus::again) return Next::wait;
  if (got.status != net::IoStatus::ok) return Next::close;
  const auto bytes = std::span<const std::byte>(buffer_).first(got.bytes);
  const net::IoResult put = connection.transport.write(bytes);
  if (put.status == net::IoStatus::failed) return Next::close;
  if (put.bytes < bytes.size()) {
    return pool_.append(connection.unsent, bytes.subspan(put.bytes)) ? Next::wait : Next::close;
  }
  // A read that did not fill the buffer took all there was; but the end may have come before this event.
  const bool more = got.bytes == buffer_.size() || was_full || ready.hangup || ready.broken;
  return more ? Next::again : Next::wait;
}

Server::Next Server::flush(Connection& connection) {
  std::array<iovec, 16> pieces;
  const std::size_t used = pool_.peek(connection.unsent, pieces);
  const net::IoResult put = connection.transport.write(std::span<const iovec>(pieces).first(used));
  if (put.status == net::IoStatus::failed) return Next::close;
  pool_.consume(connection.unsent, put.bytes);
  return Next::wait;
}

Server::Next Server::sink_step(Connection& connection, net::Ready ready) {
  if (!ready.readable && !ready.hangup && !ready.broken) return Next::wait;
  const net::IoResult got = discard(connection.transport, buffer_);
  if (got.status == net::IoStatus::again) return Next::wait;
  return got.status == net::IoStatus::ok ? Next::again : Next::close;
}

Server::Next Server::source_step(Connection& connection, net::Ready ready) {
  if (ready.broken) return Next::close;
  const net::IoResult put = connection.transport.write(buffer_);
  if (put.status == net::IoStatus::failed) return Next::close;
  return put.bytes == buffer_.size() ? Next::again : Next::wait;
}

void Server::close(base::Key key) {
  Connection& connection = connections_[key.index];
  pool_.release(connection.unsent);
  connection.transport.close();
  connections_.remove(key);
  counters_.open.add(-1);
}

}  // namespace holdfast::load
