// load/connect.h: new connections, as many as the target takes: connect, one round trip, close, and the next.
//
// The latency of one is from dialling to the reply (or to the connection, without a round trip); an orderly end, which
// waits for the peer's end, is not part of it, but of the number that can be made in a second.
#pragma once

#include "load/model.h"

namespace holdfast::load {

class ConnectModel final : public Model {
 public:
  ConnectModel(net::Loop& loop, const Settings& settings, Share share, const Window& window, base::Waker& leader);

 private:
  void fill() override {}
  void on_start() override;
  void on_open(base::Key key, Connection& connection) override;
  void on_readable(base::Key key, Connection& connection, net::Ready ready) override;
  void on_writable(base::Key key, Connection& connection) override;
  void on_pace() override;
  void on_gone(std::uint32_t number) override;
  [[nodiscard]] bool all_settled() const override { return true; }
  [[nodiscard]] bool all_answered() override { return slab_.size() == 0; }
  void on_finish() override { tally_.fail(Failure::unanswered, slab_.size()); }

  void send(base::Key key, Connection& connection);
  void finish(base::Key key, Connection& connection);

  std::uint32_t free_;      // how many more may be under way
  std::uint32_t turn_ = 0;  // so that sources are taken in turn
  bool pacing_ = false;     // on_pace() will come
};

}  // namespace holdfast::load
