// apps/holdfast/node.h: a running process: the roles that its settings have, its admin server, and its signals.
//
// Thread: the one that calls serve() becomes the control thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "config/settings.h"
#include "control/runtime.h"
#include "gateway/status.h"

namespace holdfast::app {

// What is known once a node serves.
struct Serving {
  std::vector<gateway::ListenerStatus> listeners;
  std::string admin;  // address; empty when there is none
};

class Node {
 public:
  // Binds everything. Throws std::runtime_error with a text for the operator.
  Node(control::Runtime& runtime, const config::Settings& settings);
  ~Node();

  // Serves until a signal or the end of a drain; returns then. `on_ready` is called once.
  void serve(std::function<void(const Serving&)> on_ready);

 private:
  class Parts;
  void on_signal(int signal);
  void drain();

  control::Runtime& runtime_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace holdfast::app
