#include "entry/binds.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"

namespace holdfast::entry {
namespace {

std::string name_of(const config::Entrance& entrance, const base::Endpoint& endpoint) {
  return "listener " + entrance.name + ": " + endpoint.text();
}

template <typename T>
T demand(base::Result<T> result, const config::Entrance& entrance, const base::Endpoint& endpoint) {
  if (!result) throw std::runtime_error(name_of(entrance, endpoint) + ": " + result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Nothing when it is of all workers.
std::optional<std::uint16_t> owner(const net::SocketAddress& address, std::size_t worker) {
  return address.is_unix() ? std::nullopt : std::optional(static_cast<std::uint16_t>(worker));
}

}  // namespace

net::TcpOptions tcp_options(const config::Entrance& entrance) {
  return {std::chrono::ceil<std::chrono::seconds>(entrance.tcp_keepalive),
          config::milliseconds(entrance.tcp_user_timeout)};
}

void Binder::add_socket(Bind& bind, const config::Entrance& entrance, std::size_t worker) const {
  const auto sharing = bind.address.is_unix() ? net::Sharing::alone : net::Sharing::reuse_port;
  net::Fd fd = demand(net::bind_listener(bind.address, tcp_options(entrance), sharing), entrance, bind.endpoint);
  bind.address = demand(net::SocketAddress::local_of(fd.get()), entrance, bind.endpoint);  // port 0 is a real one now
  if (!budget_.take(1)) {
    throw std::runtime_error(name_of(entrance, bind.endpoint) +
                             ": file descriptors: the limit of the process (LimitNOFILE) is too low");
  }
  bind.sockets.push_back(
      std::make_shared<ListenSocket>(std::move(fd), bind.address, owner(bind.address, worker), budget_));
}

Bind Binder::open(const config::Entrance& entrance, const base::Endpoint& endpoint,
                  std::span<const net::SocketAddress> leaving) const {
  Bind bind{.endpoint = endpoint, .address = demand(net::SocketAddress::from(endpoint), entrance, endpoint)};
  const std::uint16_t port = bind.address.peer().port;
  const bool is_ours =
      std::ranges::any_of(leaving, [port](const auto& each) { return !each.is_unix() && each.peer().port == port; });
  if (!bind.address.is_unix() && !is_ours) demand(net::check_unused(bind.address), entrance, endpoint);
  const std::size_t count = bind.address.is_unix() ? 1 : workers_;
  for (std::size_t worker = 0; worker < count; ++worker) add_socket(bind, entrance, worker);
  if (bind.address.is_unix()) bind.path = std::make_shared<control::UnixPathOwner>(endpoint);
  return bind;
}

Bind Binder::hand_on(const config::Entrance& entrance, const base::Endpoint& endpoint, const Bind& from) const {
  Bind bind{.endpoint = endpoint, .address = from.address};
  for (std::size_t worker = 0; worker < from.sockets.size(); ++worker) {
    net::Fd copy = demand(net::duplicate(from.sockets[worker]->fd()), entrance, endpoint);
    if (!budget_.take(1)) throw std::runtime_error(name_of(entrance, endpoint) + ": file descriptors ran short");
    bind.sockets.push_back(
        std::make_shared<ListenSocket>(std::move(copy), bind.address, owner(bind.address, worker), budget_));
  }
  for (auto& more : for_more_workers(entrance, bind)) bind.sockets.push_back(std::move(more));
  return bind;
}

std::vector<std::shared_ptr<ListenSocket>> Binder::for_more_workers(const config::Entrance& entrance,
                                                                    const Bind& bind) const {
  Bind more{.endpoint = bind.endpoint, .address = bind.address};
  if (bind.address.is_unix()) return {};
  for (std::size_t worker = bind.sockets.size(); worker < workers_; ++worker) add_socket(more, entrance, worker);
  return std::move(more.sockets);
}

void begin_listening(const Bind& bind) {
  for (const auto& socket : bind.sockets) {
    const auto done = net::begin_listening(socket->fd());
    if (done) continue;
    base::log_error("an address that was taken cannot be listened at",
                    {{"address", bind.address.text()}, {"error", done.error().text()}});
  }
}

}  // namespace holdfast::entry
