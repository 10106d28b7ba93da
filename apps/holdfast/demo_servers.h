// apps/holdfast/demo_servers.h: the little servers of `holdfast up`: each answers every line with its
// name and the line.
//
// Thread: control; a coroutine for each connection. Limits: a line of 4 KiB; longer ones end the connection.
#pragma once

#include <memory>
#include <string>

#include "control/runtime.h"

namespace holdfast::app {

class DemoServer {
 public:
  // Listens on a free loopback port.
  DemoServer(control::Runtime& runtime, std::string name);
  ~DemoServer();
  DemoServer(DemoServer&&) noexcept;

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::string address() const;

 private:
  struct State;
  // Keeps `state` alive by value: the job may be ended while the server is being destroyed.
  static control::Task<> accept_clients(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
  control::Job accepting_;
};

}  // namespace holdfast::app
