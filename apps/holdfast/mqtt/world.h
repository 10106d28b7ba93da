// apps/holdfast/mqtt/world.h: what a client of the terminal runs on: a control thread of its own, and signals.
//
// Thread: the main one, which is the control thread meanwhile.
#pragma once

#include <functional>

#include "control/runtime.h"
#include "control/thread_pool.h"
#include "mqtt/event.h"

namespace holdfast::app {

struct World {
  World();

  control::Runtime runtime;
  Event event{runtime.context()};
  bool interrupted = false;  // by SIGINT or SIGTERM, from the first one on; the event is set then
  control::ThreadPool threads;
};

// Runs `work` to its end; what it throws comes out of here.
void run_client(const std::function<control::Task<>(World&)>& work);

}  // namespace holdfast::app
