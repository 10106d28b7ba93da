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

  // The node. A later order takes the place of the former, but what has been waited already is not waited again.
  void begin(const admin::DrainRequest& order, config::Duration wait);
  // The same, for good: `on_drained` is called when the last connection has gone, or the deadline is over with so many
  // left.
  void stop(const admin::DrainRequest& order, config::Duration wait, std::function<void(std::uint64_t cut)> on_drained);
  // Accepts again; not once it stops. Throws std::runtime_error when an address cannot be bound any more: then it
  // drains on.
  void end();
  [[nodiscard]] bool stopping() const noexcept { return on_drained_ != nullptr; }
  [[nodiscard]] bool draining() const noexcept { return node_.has_value(); }
  [[nodiscard]] bool drained() const noexcept { return node_ && node_->drained; }
  [[nodiscard]] std::optional<admin::NodeDrain> status() const;

  // False when there is no such listener.
  bool begin_listener(const std::string& name, const admin::DrainRequest& order, config::Duration wait);
  // False when there is no such listener. Throws as end() does.
  bool end_listener(const std::string& name);
  // Those of the configuration that drain or are about to.
  [[nodiscard]] std::vector<std::string> draining_listeners() const;
  // The gateway's status, in which a listener drains from the order on, also while it still accepts.
  [[nodiscard]] gateway::Status seen() const;
  // A reload was applied: with `drop`, no listener is about to drain any more, nor does one that has gone.
  void reloaded(gateway::RuntimeChanges runtime);

 private:
  struct Waiting {
    base::Time until;
    std::unique_ptr<control::Ticker> timer;  // none: the wait is over
    admin::DrainRequest order;
    bool drained = false;
  };

  [[nodiscard]] static gateway::DrainStatus not_begun(const Waiting& waiting, std::uint64_t connections);
  void after(Waiting& waiting, config::Duration wait, std::function<void()> then);
  [[nodiscard]] config::Duration left_of(config::Duration wait) const;
  void drained(std::uint64_t cut);

  control::Runtime& runtime_;
  gateway::Gateway& gateway_;
  std::optional<Waiting> node_;
  std::function<void(std::uint64_t cut)> on_drained_;  // once it stops
  std::map<std::string, Waiting> listeners_;
};

}  // namespace holdfast::app
