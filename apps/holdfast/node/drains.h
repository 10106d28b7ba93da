// apps/holdfast/node/drains.h: drains of the node and of listeners, from the order to the end: first /readyz says no,
// and who stands in front may notice; then nobody is accepted any more; then connections are closed as the order says.
//
// Thread: control.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/faces.h"
#include "control/ticker.h"
#include "gateway/gateway.h"

namespace holdfast::app {

class Drains {
 public:
  Drains(control::Runtime& runtime, gateway::Gateway& gateway);

  // The node. `on_drained` is called when the last connection has gone, or the deadline is over with so many left.
  void begin(const admin::DrainRequest& order, config::Duration wait,
             std::function<void(std::uint64_t cut)> on_drained);
  // Accepts again. Throws std::runtime_error when an address cannot be bound any more: then it drains on.
  void end();
  [[nodiscard]] bool draining() const noexcept { return node_.has_value(); }
  [[nodiscard]] bool drained() const noexcept { return node_ && node_->drained; }
  [[nodiscard]] std::optional<admin::NodeDrain> status() const;

  // False when there is no such listener.
  bool begin_listener(const std::string& name, const admin::DrainRequest& order, config::Duration wait);
  // False when there is no such listener. Throws as end() does.
  bool end_listener(const std::string& name);
  // Those that drain or are about to.
  [[nodiscard]] std::vector<std::string> draining_listeners() const;
  // The gateway's status, in which a listener drains from the order on, also while it still accepts.
  [[nodiscard]] gateway::Status seen() const;
  // After a reload: a listener that is gone, or was added anew, does not drain any more.
  void forget_missing();

 private:
  struct Waiting {
    base::Time until;
    std::unique_ptr<control::Ticker> timer;  // none: the wait is over
    admin::DrainRequest order;
    bool drained = false;
  };

  [[nodiscard]] static gateway::DrainStatus not_begun(const Waiting& waiting, std::uint64_t connections);
  void after(Waiting& waiting, config::Duration wait, std::function<void()> then);

  control::Runtime& runtime_;
  gateway::Gateway& gateway_;
  std::optional<Waiting> node_;
  std::map<std::string, Waiting> listeners_;
};

}  // namespace holdfast::app
