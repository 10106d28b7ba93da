// gateway/worker.h: one thread of the data plane with everything that lives on it.
//
// Thread: constructed, started, commanded and joined by control; the rest happens on the worker's own thread.
#pragma once

#include <thread>

#include "gateway/acceptor.h"
#include "gateway/relays.h"

namespace holdfast::gateway {

class Worker {
 public:
  enum class Command : std::uint8_t {
    stop_accepting,
    end_all,  // closes every connection; implies stop_accepting
  };

  explicit Worker(const WorkerContext& context);
  ~Worker();  // stops

  // Before start(): a listening socket of this worker.
  [[nodiscard]] base::Result<void> listen(int fd, std::uint16_t listener, net::Loop::Watch how);
  void start();
  void command(Command command);
  // Ends what lives and joins. Workers wake each other: each is stopped before the first one is destroyed.
  void stop();
  // Whether stop_accepting has been done.
  [[nodiscard]] bool accepting() const noexcept { return accepting_.load(std::memory_order_acquire); }
  [[nodiscard]] base::Waker& waker() noexcept { return loop_; }
  [[nodiscard]] const net::Loop::Counters& loop_counters() const noexcept { return loop_.counters(); }

 private:
  void run();
  void at_top_of_turn();
  void obey(Command command);

  const WorkerContext context_;
  net::Loop loop_;
  Relays relays_;
  Acceptor acceptor_;
  base::Mailbox<Command> commands_;
  std::atomic<bool> accepting_{true};
  std::thread thread_;
};

}  // namespace holdfast::gateway
