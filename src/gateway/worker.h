// gateway/worker.h: one thread of the data plane with everything that lives on it.
//
// Thread: constructed, started, commanded and joined by control; the rest happens on the worker's own thread.
#pragma once

#include <thread>

#include "entry/acceptor.h"
#include "gateway/relays.h"

namespace holdfast::gateway {

class Worker {
 public:
  enum class Command : std::uint8_t {
    end_all,  // closes every connection
  };

  explicit Worker(const WorkerContext& context);
  ~Worker();  // stops

  void start();
  void command(Command command);
  // Looks for connections, or ends one. ConnectionSearches bounds how many such orders there are at a time.
  void search(std::shared_ptr<const ScanOrder> order);
  // Ends what lives and joins. Workers wake each other: each is stopped before the first one is destroyed.
  void stop();
  [[nodiscard]] base::Waker& waker() noexcept { return loop_; }
  [[nodiscard]] const WorkerCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const net::Loop::Counters& loop_counters() const noexcept { return loop_.counters(); }

 private:
  void run();
  void at_top_of_turn();
  void obey(Command command);
  [[nodiscard]] static WorkerContext with(WorkerContext context, WorkerCounters& counters);

  WorkerCounters counters_;
  const WorkerContext context_;
  net::Loop loop_;
  Relays relays_;
  entry::Acceptor acceptor_;
  base::Mailbox<Command> commands_;
  base::Mailbox<std::shared_ptr<const ScanOrder>> searches_;
  std::thread thread_;
};

}  // namespace holdfast::gateway
