// policy/weighted_draw.h: a usable server drawn at random by weight.
//
// Thread: one owner. Cost: constant while most servers are usable; all are looked at when kDraws in a row were not.
#pragma once

#include <optional>

#include "base/random.h"
#include "policy/alias_table.h"
#include "policy/policy.h"

namespace holdfast::policy {

class WeightedDraw {
 public:
  explicit WeightedDraw(std::uint32_t offset) noexcept : random_(std::uint64_t{offset} * 0xd1342543de82ef95 + 1) {}

  void changed(const View& view) { table_.build(view.servers); }

  // The distribution is that of the weights of those that are usable. None when nobody is.
  [[nodiscard]] std::optional<std::uint32_t> draw(const View& view, const Request& request);
  // Any server with a weight, usable or not. There must be one: see table().
  [[nodiscard]] std::uint32_t draw_any() noexcept { return table_.pick(random_.next()); }

  [[nodiscard]] const AliasTable& table() const noexcept { return table_; }
  [[nodiscard]] base::Random& random() noexcept { return random_; }

 private:
  static constexpr int kDraws = 16;

  [[nodiscard]] std::optional<std::uint32_t> draw_among_all(const View& view, const Request& request);

  base::Random random_;
  AliasTable table_;
};

// Whether a server in slow start is let through this time.
[[nodiscard]] inline bool passes_share(const Server& server, const Request& request, base::Random& random) noexcept {
  if (server.share >= kWholeShare || request.pass == Pass::any) return true;
  return random.below(kWholeShare) < server.share;
}

}  // namespace holdfast::policy
