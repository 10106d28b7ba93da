#include "gateway/worker.h"

#include <cstdlib>
#include <string>

#include "base/thread.h"

namespace holdfast::gateway {

Worker::Worker(const WorkerContext& context)
    : context_(context), relays_(loop_, context_), acceptor_(loop_, context_, relays_), commands_(64, loop_) {}

Worker::~Worker() { stop(); }

void Worker::stop() {
  if (!thread_.joinable()) return;
  command(Command::end_all);
  loop_.stop();
  thread_.join();
}

base::Result<void> Worker::listen(int fd, std::uint16_t listener, net::Loop::Watch how) {
  return acceptor_.add(fd, listener, how);
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::command(Command command) {
  if (!commands_.post(command)) std::abort();  // a handful of commands in a worker's life
}

void Worker::run() {
  base::begin_thread(("worker-" + std::to_string(context_.number)).c_str());
  loop_.run([this] { at_top_of_turn(); });
  relays_.end_all(CloseReason::stopped);
}

void Worker::at_top_of_turn() {
  relays_.refresh();
  commands_.take([this](Command command) { obey(command); });
}

void Worker::obey(Command command) {
  if (accepting()) {
    acceptor_.stop();
    accepting_.store(false, std::memory_order_release);
  }
  if (command == Command::end_all) relays_.end_all(CloseReason::stopped);
}

}  // namespace holdfast::gateway
