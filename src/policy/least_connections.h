// policy/least_connections.h: the server with the fewest live connections for its weight.
//
// Thread: one worker. Cost: up to kExactMax servers a choice looks at all of them; beyond that at kSample drawn by
//         weight, and at all only when none of these is usable. Memory: 8 bytes a server beyond kExactMax.
// Between equals the turn goes round, so that empty servers fill evenly and workers do not all run to the same one.
// Slow start: an empty server has the least load of all and would be sent everything. `share` bounds what it gets: when
// it would be chosen chance decides, and when chance is against it the choice is made among the others.
#pragma once

#include "policy/least.h"
#include "policy/weighted_draw.h"

namespace holdfast::policy {

class LeastConnections final : public Policy {
 public:
  static constexpr std::size_t kExactMax = 256;
  static constexpr int kSample = 64;

  explicit LeastConnections(std::uint32_t offset) noexcept : turn_(offset), draw_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  void changed(const View& view) override;

 private:
  // Those that are let through, and those of slow start that are not: they count only when nobody else is left.
  struct Found {
    Least open;
    Least gated;
    [[nodiscard]] std::optional<std::uint32_t> best() const noexcept {
      return open.found() ? open.index() : gated.index();
    }
  };

  [[nodiscard]] std::optional<std::uint32_t> choose_exactly(const View& view, const Request& request);
  [[nodiscard]] std::optional<std::uint32_t> choose_of_sample(const View& view, const Request& request);
  void look(const View& view, const Request& request, std::uint32_t begin, std::uint32_t end, Found& found);

  std::uint32_t turn_;  // where the next look begins
  WeightedDraw draw_;
};

}  // namespace holdfast::policy
