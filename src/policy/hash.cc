#include "policy/hash.h"

#include <array>

#include "base/hash.h"
#include "policy/least.h"
#include "policy/maglev.h"

namespace holdfast::policy {
namespace {

constexpr int kProbes = 32;  // through the table, before all servers are looked at

std::uint32_t scale(std::uint64_t hash, std::uint64_t limit) noexcept {
  return static_cast<std::uint32_t>(((hash >> 32) * limit) >> 32);
}

bool under_bound(const View& view, const Server& server, double weight_sum) noexcept {
  if (view.load_bound <= 1 || view.connections == nullptr) return true;
  // connections + 1 <= ceil(x) is connections < x; in a form without division.
  const double connections = server.load->connections.load(std::memory_order_relaxed);
  const double total = view.connections->load(std::memory_order_relaxed);
  return connections * weight_sum < view.load_bound * (total + 1) * server.weight;
}

}  // namespace

// One selection's way through the table. Always the same for the same key.
struct Hash::Probes {
  explicit Probes(std::uint64_t key) noexcept
      : second(base::mix(key ^ 0x9e3779b97f4a7c15)), slot(scale(key, MaglevTable::kSlots)) {}

  void advance() noexcept {
    slot += 1 + scale(second, MaglevTable::kSlots - 1);  // never 0 and below the prime: all slots are visited
    if (slot >= MaglevTable::kSlots) slot -= MaglevTable::kSlots;
  }
  // Keys below the share are served; as it grows more come, and none leaves.
  [[nodiscard]] bool passes_share(const Server& server, const Request& request) const noexcept {
    return server.share >= kWholeShare || request.pass == Pass::any || (second & 0xffff) < server.share;
  }

  std::uint64_t second;
  std::uint32_t slot;
};

void Hash::changed(const View& view) {
  std::uint64_t sum = 0;
  for (const Server& server : view.servers) sum += server.weight;
  weight_sum_ = view.table != nullptr && view.table->servers() == view.servers.size() ? static_cast<double>(sum) : 0;
}

std::optional<std::uint32_t> Hash::choose(const View& view, const Request& request) {
  if (weight_sum_ == 0) return std::nullopt;
  Probes probes(request.key);
  for (int probe = 0; probe < kProbes; ++probe, probes.advance()) {
    const std::uint16_t i = (*view.table)[probes.slot];
    if (i == MaglevTable::kNone) break;
    const Server& server = view.servers[i];
    if (!usable(server, i, request) || !probes.passes_share(server, request)) continue;
    if (under_bound(view, server, weight_sum_)) return i;
  }
  return choose_slowly(view, request);
}

// Most are unusable or at the bound. The bound is now that of the usable ones alone. Along the key's way first, then in
// the order of the list from a place of the key's own; and those that slow start holds back only when nobody else is
// left.
std::optional<std::uint32_t> Hash::choose_slowly(const View& view, const Request& request) {
  const auto count = static_cast<std::uint32_t>(view.servers.size());
  Least least;
  double weight_sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!usable(view.servers[i], i, request)) continue;
    least.offer(i, view.servers[i]);
    weight_sum += view.servers[i].weight;
  }
  for (const Gate gate : {Gate::shut, Gate::open}) {
    Probes probes(request.key);
    const auto takes = [&](std::uint32_t i) {
      const Server& server = view.servers[i];
      return usable(server, i, request) && (gate == Gate::open || probes.passes_share(server, request)) &&
             under_bound(view, server, weight_sum);
    };
    if (!least.found()) break;
    for (int probe = 0; probe < kProbes; ++probe, probes.advance()) {
      const std::uint16_t i = (*view.table)[probes.slot];
      if (i != MaglevTable::kNone && takes(i)) return i;
    }
    const std::uint32_t begin = scale(base::mix(probes.second), count);
    for (std::uint32_t i = begin; i < count; ++i) {
      if (takes(i)) return i;
    }
    for (std::uint32_t i = 0; i < begin; ++i) {
      if (takes(i)) return i;
    }
  }
  return least.index();
}

}  // namespace holdfast::policy
