// policy/outlier_judge.h: takes servers out of a pool because of what real connections meet there.
//
// Thread: one owner (the control plane). Cost: error() O(log n + errors), tick() O(n). Memory: at most 8
//         bytes x `errors` for a server that had any, 80 bytes for others.
//
// A server is ejected when it had `errors` errors within `window`; its errors are forgotten then. The first ejection
// lasts `eject`, each further one twice as long as the one before, up to `eject_max`. For each time as long as its last
// ejection that a server has been back, one doubling is forgotten.
// Never more than `share_max` of the pool are out at once (but one may be, when there are others), and never the last
// server that can be used: then it is spared, its errors stay, and its next error asks again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace holdfast::policy {

struct OutlierRules {
  static constexpr std::uint32_t kErrorsMax = 100;

  std::uint32_t errors = 5;  // 1 to kErrorsMax; 0: eject nobody
  base::Duration window = std::chrono::seconds(10);
  base::Duration eject = std::chrono::seconds(10);
  base::Duration eject_max = std::chrono::minutes(5);
  double share_max = 0.3;  // 0 to 1; 0: eject nobody
};

class OutlierJudge {
 public:
  // A number that the caller keeps for a server as long as it is in the pool.
  using Id = std::uint32_t;

  struct Verdict {
    enum class Kind : std::uint8_t {
      counted,  // one error, not yet enough
      ejected,
      spared,  // enough errors, but too many are out already, or it is the last
      out,     // it is out already; a late error that says nothing new
    };
    Kind kind = Kind::counted;
    std::uint32_t errors = 0;  // within the window
    std::uint32_t times = 0;   // ejections in a row, doublings that were forgotten left out
    base::Duration length{};   // ejected: for so long,
    base::Time until{};        // and until then
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };

  explicit OutlierJudge(const OutlierRules& rules) noexcept;

  // Adding a server twice or naming one that is not there is a programming error and ends the process.
  void add(Id id);
  void remove(Id id);
  // New rules hold from the next error on; with another number of errors those so far are forgotten. Ejections that run
  // keep their end, but with 0 errors the next tick() returns them all.
  void set_rules(const OutlierRules& rules);

  // A connect to the server failed, or it closed early. `usable_others` is how many other servers could be given a
  // connection now: up, with a weight, not ejected.
  Verdict error(Id id, base::Time now, std::uint32_t usable_others);
  // Returns the servers whose time is over, and takes them as returned.
  [[nodiscard]] std::vector<Id> tick(base::Time now);

  [[nodiscard]] bool is_ejected(Id id) const;
  [[nodiscard]] std::uint32_t ejected() const noexcept { return ejected_; }

 private:
  struct Server {
    Id id = 0;
    std::uint32_t times = 0;  // ejections in a row
    bool is_out = false;
    std::uint32_t next = 0;          // where the next error goes in `errors`
    base::Time until{};              // the end of the last ejection
    base::Duration length{};         // of the last ejection
    std::vector<base::Time> errors;  // a ring of the last ones, as many as the rules ask for
  };

  Server& find(Id id);
  [[nodiscard]] const Server& find(Id id) const;
  std::uint32_t note(Server& server, base::Time now);
  [[nodiscard]] bool may_eject(std::uint32_t usable_others) const noexcept;
  Verdict eject(Server& server, base::Time now, std::uint32_t errors);

  OutlierRules rules_;
  std::vector<Server> servers_;  // ascending by id
  std::uint32_t ejected_ = 0;
};

}  // namespace holdfast::policy
