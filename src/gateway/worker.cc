#include "gateway/worker.h"

#include <cstdlib>
#include <string>

#include "base/thread.h"
#include "gateway/connection_search.h"

namespace holdfast::gateway {

Worker::Worker(const WorkerContext& context)
    : context_(with(context, counters_)),
      relays_(loop_, context_),
      acceptor_(loop_, context_.number, {*context_.descriptors, kRelayDescriptors}, relays_),
      commands_(64, loop_),
      searches_(ConnectionSearches::kUnderWayMax, loop_) {}

Worker::~Worker() { stop(); }

void Worker::stop() {
  if (!thread_.joinable()) return;
  command(Command::end_all);
  loop_.stop();
  thread_.join();
}

WorkerContext Worker::with(WorkerContext context, WorkerCounters& counters) {
  context.counters = &counters;
  return context;
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::command(Command command) {
  if (!commands_.post(command)) std::abort();  // a handful of commands in a worker's life
}

void Worker::search(std::shared_ptr<const ScanOrder> order) {
  if (!searches_.post(std::move(order))) std::abort();  // it has room for all that are under way
}

void Worker::run() {
  base::begin_thread(("worker-" + std::to_string(context_.number)).c_str());
  (void)relays_.refresh();
  acceptor_.refresh();
  loop_.run([this] { at_top_of_turn(); });
  relays_.end_all(CloseReason::stopped);
}

void Worker::at_top_of_turn() {
  if (relays_.refresh()) acceptor_.refresh();
  commands_.take([this](Command command) { obey(command); });
  searches_.take([this](std::shared_ptr<const ScanOrder> order) { relays_.search(std::move(order)); });
}

void Worker::obey(Command command) {
  if (command == Command::end_all) relays_.end_all(CloseReason::stopped);
}

}  // namespace holdfast::gateway
