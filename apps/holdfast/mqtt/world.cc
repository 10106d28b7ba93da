#include "mqtt/world.h"

#include <csignal>
#include <exception>

namespace holdfast::app {
namespace {

control::Task<> guarded(World& world, std::function<control::Task<>(World&)> work, std::exception_ptr& failure) {
  try {
    co_await work(world);
  } catch (...) {
    failure = std::current_exception();
  }
  world.runtime.stop();
}

}  // namespace

// Signals first: threads inherit that they are blocked.
World::World()
    : threads((runtime.on_signals({SIGINT, SIGTERM},
                                  [this](int) {
                                    interrupted = true;
                                    event.set();
                                  }),
               runtime),
              {.threads = 1, .waiting_calls_max = 4}) {}

void run_client(const std::function<control::Task<>(World&)>& work) {
  World world;
  std::exception_ptr failure;
  const control::Job job = world.runtime.spawn("client", guarded(world, work, failure));
  world.runtime.run();
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace holdfast::app
