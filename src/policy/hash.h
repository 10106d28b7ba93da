// policy/hash.h: the same key comes to the same server, and few keys move when servers come and go.
//
// Thread: one worker; the table is shared. Cost: constant while most servers are usable: a look into the table and one
//         at the server; else all servers are looked at.
// A key whose server does not take it probes on through the table by double hashing, a sequence that depends on nothing
// but the key and the table. So only the keys of that server move, spread over all others by weight, and come back
// exactly.
//
// Load bound c (Mirrokni, Thorup, Zadimoghaddam, Consistent hashing with bounded loads, SODA 2018, arXiv 1608.01350): a
// server of weight w is passed over, in both passes, when connections + 1 > ceil(c * (total + 1) * w / W). W is the
// weight of all servers that have one, first; when that leaves nobody, of those that are usable now. With c > 1 that
// leaves somebody: connections of usable servers cannot all be above their part of the total. Only counts that another
// worker is just changing can look otherwise; then the least loaded one is taken.
#pragma once

#include "policy/policy.h"

namespace holdfast::policy {

class Hash final : public Policy {
 public:
  // Without a table, or with one of another number of servers, nobody is chosen: control publishes them together.
  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  void changed(const View& view) override;

 private:
  struct Probes;
  enum class Gate : std::uint8_t { shut, open };

  [[nodiscard]] static std::optional<std::uint32_t> choose_slowly(const View& view, const Request& request);

  double weight_sum_ = 0;
};

}  // namespace holdfast::policy
