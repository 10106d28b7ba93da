#include "entry/listening.h"

#include <algorithm>

namespace holdfast::entry {

void Listening::hand_over(PlannedBind& planned) {
  const auto bind = std::ranges::find_if(
      binds_, [&planned](const Bind& each) { return each.address.text() == planned.bind.address.text(); });
  for (const auto& socket : bind->sockets) socket->handed_on = true;
  planned.bind.path = std::move(bind->path);
}

void Listening::adopt(std::vector<PlannedBind> planned, std::uint16_t listener, net::TcpOptions options) {
  std::vector<Bind> binds;
  for (PlannedBind& each : planned) {
    bool changes = each.how == PlannedBind::How::handed_on;
    if (each.how == PlannedBind::How::kept) {
      const auto has = std::ranges::find(binds_, each.bind.endpoint, &Bind::endpoint);
      for (auto& more : each.bind.sockets) has->sockets.push_back(std::move(more));
      each.bind = std::move(*has);
      binds_.erase(has);
      changes = options != options_;
    }
    begin_listening(each.bind);
    for (const auto& socket : each.bind.sockets) {
      if (socket->listener != listener) socket->listener = listener;  // of one that is kept, workers read it
      if (changes && !each.bind.address.is_unix()) (void)net::change_options(socket->fd(), options);
    }
    binds.push_back(std::move(each.bind));
  }
  stop();
  binds_ = std::move(binds);
  options_ = options;
}

void Listening::stop() {
  for (const Bind& bind : binds_) given_up_.insert(given_up_.end(), bind.sockets.begin(), bind.sockets.end());
  binds_.clear();
}

bool Listening::is_closing() {
  std::erase_if(given_up_, [](const auto& socket) { return socket.expired(); });
  return !given_up_.empty();
}

std::vector<std::shared_ptr<ListenSocket>> Listening::given_up() const {
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  for (const auto& each : given_up_) {
    if (auto socket = each.lock()) sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace holdfast::entry
