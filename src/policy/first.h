// policy/first.h: the first usable server of the list; the next one only when it is full, aside or down.
//
// Thread: one worker. Cost: one look for each server before the chosen one. Needs max_connections to ever go further.
#pragma once

#include "policy/weighted_draw.h"

namespace holdfast::policy {

class First final : public Policy {
 public:
  explicit First(std::uint32_t offset) noexcept : random_(offset + std::uint64_t{1}) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override {
    std::optional<std::uint32_t> gated;  // the first one that slow start holds back: better than nobody
    for (std::uint32_t i = 0; i < view.servers.size(); ++i) {
      if (!usable(view.servers[i], i, request)) continue;
      if (passes_share(view.servers[i], request, random_)) return i;
      if (!gated) gated = i;
    }
    return gated;
  }
  void changed(const View& /*view*/) override {}

 private:
  base::Random random_;
};

}  // namespace holdfast::policy
