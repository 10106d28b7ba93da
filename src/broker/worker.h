// broker/worker.h: one thread of the broker with everything that lives on it.
//
// Thread: constructed, started, ordered and joined by control; the rest happens on the worker's own thread.
#pragma once

#include <thread>

#include "broker/connections.h"
#include "broker/post.h"
#include "entry/acceptor.h"

namespace holdfast::broker {

class Worker final : private entry::House, private net::Loop::Source, private net::TimerWheel::Owner {
 public:
  static constexpr std::size_t kOrdersMax = 16'384;
  static constexpr std::chrono::seconds kFarewell{1};

  Worker(const WorkerContext& context, PostOffice& office);
  ~Worker();  // stops

  void start();
  // False when too many wait.
  [[nodiscard]] bool order(Order order) { return orders_.post(std::move(order)); }
  void search(std::shared_ptr<const ScanOrder> order);
  // Tells the clients and, within kFarewell, ends their connections.
  void begin_to_stop() { loop_.stop(); }
  // And joins.
  void stop();
  [[nodiscard]] base::Waker& waker() noexcept { return loop_; }
  [[nodiscard]] const WorkerCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const net::Loop::Counters& loop_counters() const noexcept { return loop_.counters(); }

 private:
  void run();
  void say_farewell();
  void at_top_of_turn();
  void at_end_of_turn();
  void obey(Order order);
  void take_letter(unsigned from, Letter letter);

  // entry::House
  [[nodiscard]] std::span<const std::shared_ptr<entry::ListenSocket>> sockets() const override;
  [[nodiscard]] entry::Door door(std::uint16_t listener) const override;
  void begin(int fd, const base::PeerAddress& client, std::uint16_t listener, entry::Placed placed) override;
  void count_refused(std::uint16_t listener, entry::RefuseReason reason) override;
  void accepting_changed(entry::Accepting now) override;

  // Only so that the loop turns when the shard wants it.
  void on_ready(net::Token /*token*/, net::Ready /*ready*/) override {}
  void on_resume(net::Token /*token*/) override {}
  net::TimerWheel::Node& timer_node(std::uint32_t /*index*/) noexcept override { return timer_; }
  void on_deadline(std::uint32_t /*index*/) override {}

  [[nodiscard]] static WorkerContext with(WorkerContext context, WorkerCounters& counters);

  WorkerCounters counters_;
  const WorkerContext context_;
  PostOffice& office_;
  net::Loop loop_;
  const std::uint8_t source_;
  net::TimerWheel timers_;
  net::TimerWheel::Node timer_;
  Outbox outbox_;
  Connections connections_;
  entry::Acceptor acceptor_;
  Orders orders_;
  base::Mailbox<std::shared_ptr<const ScanOrder>> searches_;
  std::thread thread_;
};

}  // namespace holdfast::broker
