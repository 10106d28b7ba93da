// policy/panic.h: when too much of a pool fails at once, the probes are doubted before the servers are.
//
// Thread: one owner (the control plane). Cost: a change looks at every server of the pool. Memory: 24 bytes a server.
//
// The good set are the servers that are up or went down within the last `window`. When those that went down are more
// than `threshold` of it, panic begins: they are held, which means that they serve, although their probes fail, until
// there is evidence. What fails during a panic is held too. A held server leaves the held set when
//   - its probe passes: it is up;
//   - a client's own connect to it fails: it is down, and proven so: no panic holds it until a probe has passed;
//   - it is removed.
// The panic is over when no more than `threshold` of the servers that serve are held; what is still held is down then.
// A window of one interval (with jitter) finds those that fail together, because probes are spread over it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace holdfast::policy {

struct PanicRules {
  double threshold = 0.5;  // a share of the good set, 0 to 1; 0: never panic
  base::Duration window = std::chrono::seconds(2);
};

class PanicJudge {
 public:
  // A number that the caller keeps for a server as long as it is in the pool.
  using Id = std::uint32_t;
  enum class Start : std::uint8_t { up, down };

  // What a call has done to the pool as a whole. After began and ended ask serves() of every server again, otherwise of
  // the one that was named.
  struct Change {
    enum class Kind : std::uint8_t { none, began, ended };
    Kind kind = Kind::none;
    std::uint32_t held = 0;     // began: those that failed; ended: those that are down now because of it
    std::uint32_t serving = 0;  // how many serve after the change
    friend bool operator==(const Change&, const Change&) = default;
  };

  explicit PanicJudge(const PanicRules& rules) noexcept : rules_(rules) {}

  // Adding a server twice or naming one that is not there is a programming error and ends the process.
  Change add(Id id, Start start);
  Change remove(Id id);
  // The server's own judge has decided. Repeating what is known changes nothing.
  Change server_down(Id id, base::Time now);
  Change server_up(Id id);
  // It says itself that it is down, which nobody doubts: no panic begins because of it, and none holds it.
  Change gave_up(Id id);
  // A client could not be connected. Means something for held servers only.
  Change connect_failed(Id id);
  // With a threshold of 0 a panic ends at once.
  Change set_rules(const PanicRules& rules);

  [[nodiscard]] bool serves(Id id) const;
  [[nodiscard]] bool is_held(Id id) const;
  [[nodiscard]] bool in_panic() const noexcept { return in_panic_; }

 private:
  enum class State : std::uint8_t { up, held, down, proven_down };
  struct Server {
    Id id = 0;
    State state = State::up;
    base::Time down_at{};  // when its probes said so; kept while it is held
  };

  Server& find(Id id);
  [[nodiscard]] const Server& find(Id id) const;
  [[nodiscard]] std::uint32_t number_of(State state) const noexcept;
  [[nodiscard]] bool is_too_much(std::uint32_t failing, std::uint32_t all) const noexcept;
  Change begin_if_due(base::Time now);
  Change end_if_due();

  PanicRules rules_;
  std::vector<Server> servers_;  // ascending by id
  bool in_panic_ = false;
};

}  // namespace holdfast::policy
