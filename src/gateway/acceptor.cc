#include "gateway/acceptor.h"

#include <unistd.h>

#include <cerrno>

namespace holdfast::gateway {

Acceptor::Acceptor(net::Loop& loop, const WorkerContext& context, Relays& relays)
    : loop_(loop), context_(context), relays_(relays), source_(loop.add_source(*this)), timers_(*this, loop.tick()) {
  loop.add_timers(timers_);
}

base::Result<void> Acceptor::add(int fd, std::uint16_t listener, net::Loop::Watch how) {
  const auto index = static_cast<std::uint32_t>(sockets_.size());
  sockets_.push_back({fd, listener});
  return loop_.watch(fd, net::Token{source_, 0, base::Key{index, 1}}, how);
}

void Acceptor::stop() {
  for (const Socket& socket : sockets_) {
    for (int i = 0; i < kStopMax && accept_one(socket) == Outcome::accepted; ++i) {
    }
    loop_.unwatch(socket.fd);
    ::shutdown(socket.fd, SHUT_RD);  // it listens no more: from now on the kernel refuses
  }
  sockets_.clear();
  timers_.cancel(0);
}

void Acceptor::on_ready(net::Token token, net::Ready /*ready*/) { on_acceptable(token.key.index); }

void Acceptor::on_resume(net::Token token) {
  if (token.key.index >= sockets_.size()) return;
  sockets_[token.key.index].resuming = false;
  on_acceptable(token.key.index);
}

void Acceptor::on_acceptable(std::uint32_t index) {
  if (paused_ || index >= sockets_.size()) return;
  if (accept_burst(index) == Outcome::short_of_descriptors) pause();
}

// Edge-triggered: goes on until the queue is empty, with a rest between bursts so that relays get their turn.
Acceptor::Outcome Acceptor::accept_burst(std::uint32_t index) {
  Socket& socket = sockets_[index];
  for (int i = 0; i < kBurst; ++i) {
    const Outcome outcome = accept_one(socket);
    if (outcome != Outcome::accepted) return outcome;
  }
  if (!socket.resuming) loop_.resume(net::Token{source_, 0, base::Key{index, 1}});
  socket.resuming = true;
  return Outcome::accepted;
}

Acceptor::Outcome Acceptor::accept_one(const Socket& socket) {
  if (!context_.descriptors->take(2)) return Outcome::short_of_descriptors;
  net::SocketAddress address;
  const int fd = ::accept4(socket.fd, address.get(), address.room(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    admit(fd, address.peer(), socket.listener);
    return Outcome::accepted;
  }
  context_.descriptors->give(2);
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return Outcome::short_of_descriptors;
    case EAGAIN: return Outcome::empty;
    default: return Outcome::accepted;  // that one client went away while it waited (accept(2), "Error handling")
  }
}

// Everything that may refuse a client stands here, before anything is spent on it; but who comes by way of a balancer
// is known only when its PROXY header has been read.
void Acceptor::admit(int fd, const base::PeerAddress& client, std::uint16_t listener) {
  const ListenerRules& rules = context_.listeners[listener];
  bool placed = false;
  if (rules.proxy_protocol == config::ProxyIn::off) {
    const auto reason = rules.admission->recognise(client, loop_.now(), placed);
    if (reason) return refuse(fd, listener, *reason);
  }
  if (const auto reason = rules.admission->enter(loop_.now())) {
    if (placed) rules.admission->forget(client);
    return refuse(fd, listener, *reason);
  }
  relays_.begin(fd, client, listener, placed ? Relays::Placed::yes : Relays::Placed::no);
}

void Acceptor::refuse(int fd, std::uint16_t listener, RefuseReason reason) {
  context_.listener_counters[listener].refused[static_cast<std::size_t>(reason)].add();  // before the client knows
  ::close(fd);
  context_.descriptors->give(2);
}

void Acceptor::pause() {
  paused_ = true;
  last_shortage_ = loop_.now();
  context_.counters->accept_pauses.add();
  context_.counters->accept_paused.set(1);
  (void)context_.notices->post(AcceptChanged{context_.number, true});
  look_again();
}

void Acceptor::look_again() { timers_.arm(0, base::Tick::not_before(loop_.now() + kPauseStep)); }

void Acceptor::on_deadline(std::uint32_t /*index*/) {
  for (std::uint32_t i = 0; i < sockets_.size(); ++i) {
    if (accept_burst(i) == Outcome::short_of_descriptors) last_shortage_ = loop_.now();
  }
  if (loop_.now() - last_shortage_ < kPauseCalm) return look_again();
  paused_ = false;
  context_.counters->accept_paused.set(0);
  (void)context_.notices->post(AcceptChanged{context_.number, false});
}

}  // namespace holdfast::gateway
