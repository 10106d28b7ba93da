// apps/holdfast/node/node.h: a running process: the roles that its settings have, its admin API, and its signals.
//
// Thread:  the one that calls serve() becomes the control thread.
// Signals: SIGHUP reloads. SIGTERM drains within node.stop_timeout and ends; a second one, and SIGINT, end at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "config/settings.h"
#include "control/runtime.h"

namespace holdfast::app {

// What is known once a node serves.
struct Serving {
  struct Listener {
    std::string name;
    std::vector<std::string> addresses;
  };
  std::vector<Listener> listeners;  // of the gateway, then of the broker
  std::string admin;                // address; empty when there is none
};

class Node {
 public:
  // Binds everything. `file` is what the settings come from, and what a reload reads; empty: there is none. Throws
  // std::runtime_error with a text for the operator.
  Node(control::Runtime& runtime, const config::Settings& settings, std::string file);
  ~Node();

  // Serves until a signal or the end of a drain; says how it ended. `on_ready` is called once.
  [[nodiscard]] ExitStatus serve(std::function<void(const Serving&)> on_ready);

 private:
  class Parts;
  void on_signal(int signal);
  void reload();
  void stop_gracefully();

  control::Runtime& runtime_;
  std::unique_ptr<Parts> parts_;
  bool stopping_ = false;
  ExitStatus ended_ = kDone;
};

}  // namespace holdfast::app
