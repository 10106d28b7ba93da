#include "entry/acceptor.h"

#include <unistd.h>

#include <cerrno>
#include <unordered_set>

namespace holdfast::entry {

Acceptor::Acceptor(net::Loop& loop, std::uint16_t worker, Cost cost, House& house)
    : loop_(loop),
      worker_(worker),
      cost_(cost),
      house_(house),
      source_(loop.add_source(*this)),
      timers_(*this, loop.tick()) {
  loop.add_timers(timers_);
}

// Those that come are watched before those that go are left: a new address is open before the old one closes.
void Acceptor::refresh() {
  std::unordered_set<const ListenSocket*> known;
  std::unordered_set<const ListenSocket*> wanted;
  sockets_.for_each([&](base::Key /*key*/, const Socket& socket) { known.insert(socket.of.get()); });
  for (const auto& socket : house_.sockets()) {
    if (!socket->is_of(worker_)) continue;
    wanted.insert(socket.get());
    if (!known.contains(socket.get())) add(socket);
  }
  sockets_.for_each([&](base::Key key, Socket& socket) {
    if (!wanted.contains(socket.of.get())) retire(key, socket);
  });
}

void Acceptor::add(const std::shared_ptr<ListenSocket>& socket) {
  const base::Key key = sockets_.add(Socket{.of = socket});
  watch(key, *sockets_.find(key));
}

void Acceptor::watch(base::Key key, Socket& socket) {
  const auto how = socket.of->is_shared() ? net::Loop::Watch::shared : net::Loop::Watch::both_ways;
  socket.watched = loop_.watch(socket.of->fd(), net::Token{source_, 0, key}, how).has_value();
  if (!socket.watched) pause();
}

void Acceptor::retire(base::Key key, Socket& socket) {
  const int fd = socket.of->fd();
  if (!socket.of->handed_on) {
    for (int i = 0; i < kStopMax && accept_one(socket) == Outcome::accepted; ++i) {
    }
  }
  loop_.unwatch(fd);
  if (!socket.of->handed_on) ::shutdown(fd, SHUT_RD);  // it listens no more: from now on the kernel refuses
  sockets_.remove(key);
}

void Acceptor::on_ready(net::Token token, net::Ready /*ready*/) { on_acceptable(token.key); }

void Acceptor::on_resume(net::Token token) {
  if (Socket* socket = sockets_.find(token.key)) socket->resuming = false;
  on_acceptable(token.key);
}

void Acceptor::on_acceptable(base::Key key) {
  Socket* socket = sockets_.find(key);
  if (paused_ || socket == nullptr) return;
  if (accept_burst(key, *socket) == Outcome::short_of_descriptors) pause();
}

// Edge-triggered: goes on until the queue is empty, with a rest between bursts so that connections get their turn.
Acceptor::Outcome Acceptor::accept_burst(base::Key key, Socket& socket) {
  for (int i = 0; i < kBurst; ++i) {
    const Outcome outcome = accept_one(socket);
    if (outcome != Outcome::accepted) return outcome;
  }
  if (!socket.resuming) loop_.resume(net::Token{source_, 0, key});
  socket.resuming = true;
  return Outcome::accepted;
}

Acceptor::Outcome Acceptor::accept_one(const Socket& socket) {
  if (!cost_.budget.take(cost_.descriptors)) return Outcome::short_of_descriptors;
  net::SocketAddress address;
  const int fd = ::accept4(socket.of->fd(), address.get(), address.room(), SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    admit(fd, address.peer(), socket.of->listener);
    return Outcome::accepted;
  }
  cost_.budget.give(cost_.descriptors);
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return Outcome::short_of_descriptors;
    case EAGAIN:
    case EINVAL: return Outcome::empty;  // the latter: another worker has shut it, because it is gone
    default: return Outcome::accepted;   // that one client went away while it waited (accept(2), "Error handling")
  }
}

// Everything that may refuse a client stands here, before anything is spent on it; but who comes by way of a balancer
// is known only when its PROXY header has been read.
void Acceptor::admit(int fd, const base::PeerAddress& client, std::uint16_t listener) {
  const Door door = house_.door(listener);
  bool placed = false;
  if (door.proxy_protocol == config::ProxyIn::off) {
    const auto reason = door.admission.recognise(client, loop_.now(), placed);
    if (reason) return refuse(fd, listener, *reason);
  }
  if (const auto reason = door.admission.enter(loop_.now())) {
    if (placed) door.admission.forget(client);
    return refuse(fd, listener, *reason);
  }
  house_.begin(fd, client, listener, placed ? Placed::yes : Placed::no);
}

void Acceptor::refuse(int fd, std::uint16_t listener, RefuseReason reason) {
  house_.count_refused(listener, reason);  // before the client knows
  ::close(fd);
  cost_.budget.give(cost_.descriptors);
}

void Acceptor::pause() {
  last_shortage_ = loop_.now();
  if (paused_) return;
  paused_ = true;
  house_.accepting_changed(Accepting::paused);
  look_again();
}

void Acceptor::look_again() { timers_.arm(0, base::Tick::not_before(loop_.now() + kPauseStep)); }

void Acceptor::on_deadline(std::uint32_t /*index*/) {
  sockets_.for_each([this](base::Key key, Socket& socket) {
    if (!socket.watched) watch(key, socket);
    if (accept_burst(key, socket) == Outcome::short_of_descriptors) last_shortage_ = loop_.now();
  });
  if (loop_.now() - last_shortage_ < kPauseCalm) return look_again();
  paused_ = false;
  house_.accepting_changed(Accepting::on);
}

}  // namespace holdfast::entry
