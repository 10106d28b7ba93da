#include "policy/round_robin.h"

#include <numeric>
#include <unordered_map>

namespace holdfast::policy {
namespace {

constexpr int kIndexBits = 16;
constexpr std::uint64_t kUnit = std::uint64_t{1} << 40;  // of virtual time: the period of weight 1
constexpr int kSkipsMax = 32;  // turns of unusable servers in one choice, before all servers are looked at

// A step through `count` places that visits them all and stays far from where it was: near count / golden ratio.
std::uint64_t stride_of(std::uint64_t count) {
  auto stride = static_cast<std::uint64_t>(static_cast<double>(count) * 0.618);
  while (stride > 1 && std::gcd(stride, count) != 1) --stride;
  return std::max<std::uint64_t>(stride, 1);
}

}  // namespace

void RoundRobin::changed(const View& view) {
  begin_somewhere(view);
  note_what_is_left();
  known_ = known_in(view);
  struct Class {
    std::uint64_t servers = 0;
    std::uint64_t placed = 0;
  };
  std::unordered_map<std::uint32_t, Class> newcomers;  // by weight: those of the same weight are evenly spaced
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].left == 0) ++newcomers[view.servers[i].weight].servers;
  }

  lines_.assign((kRoot + view.servers.size()) / 4 + 1, Line{});
  count_ = 0;
  const std::uint64_t now = now_ >> kIndexBits;
  for (std::uint64_t i = 0; i < view.servers.size(); ++i) {
    const std::uint32_t weight = view.servers[i].weight;
    if (weight == 0) continue;
    const std::uint64_t period = kUnit / weight;
    std::uint64_t due = now + static_cast<std::uint64_t>(known_[i].left * static_cast<double>(period));
    if (known_[i].left == 0) {
      Class& same = newcomers[weight];
      due = period * ++same.placed / same.servers;
      if (due <= now) due += ((now - due) / period + 1) * period;
    }
    at(kRoot + count_++) = {due << kIndexBits | i, period << kIndexBits};
  }
  order();
}

void RoundRobin::note_what_is_left() {
  for (std::size_t place = kRoot; place < end(); ++place) {
    const Entry& entry = at(place);
    // One that is due right now still counts as known.
    known_[index_of(entry)].left = static_cast<double>(entry.due - now_ + 1) / static_cast<double>(entry.period);
  }
}

// Of every server in the view, what is known of it. Nearly always it has kept its index.
std::vector<RoundRobin::Known> RoundRobin::known_in(const View& view) const {
  std::vector<Known> found;
  std::unordered_map<const ServerLoad*, double> others;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (i >= view.servers.size() || view.servers[i].load != known_[i].load) others[known_[i].load] = known_[i].left;
  }
  for (std::size_t i = 0; i < view.servers.size(); ++i) {
    const ServerLoad* load = view.servers[i].load;
    const bool same = i < known_.size() && known_[i].load == load;
    const auto other = same ? others.end() : others.find(load);
    found.push_back({load, same ? known_[i].left : other != others.end() ? other->second : 0});
  }
  return found;
}

// Workers begin at different places of the round, so that the first connections of all do not meet at one server.
void RoundRobin::begin_somewhere(const View& view) {
  std::uint64_t sum = 0;
  std::uint64_t divisor = 0;
  for (const Server& server : view.servers) {
    sum += server.weight;
    divisor = std::gcd(divisor, std::uint64_t{server.weight});
  }
  if (begun_ || sum == 0) return;
  begun_ = true;
  const std::uint64_t turns = sum / divisor;
  const double turn = static_cast<double>(offset_ * stride_of(turns) % turns) + 0.5;  // a half: just after its server
  now_ = static_cast<std::uint64_t>(turn * static_cast<double>(kUnit) / static_cast<double>(sum)) << kIndexBits;
}

void RoundRobin::order() noexcept {
  for (std::size_t place = end(); place-- > kRoot;) sink(place, at(place));
}

// Puts `entry` where `place` is, or below: whoever is due earlier comes up.
void RoundRobin::sink(std::size_t place, Entry entry) noexcept {
  for (;;) {
    const std::size_t child = first_child(place);
    std::size_t least = child;
    if (child + 4 <= end()) {
      const auto& line = lines_[child / 4].entries;
      const std::size_t left = before(line[1].due, line[0].due) ? 1 : 0;
      const std::size_t right = before(line[3].due, line[2].due) ? 3 : 2;
      least += before(line[right].due, line[left].due) ? right : left;
    } else {
      if (child >= end()) break;
      for (std::size_t i = child + 1; i < end(); ++i) {
        if (before(at(i).due, at(least).due)) least = i;
      }
    }
    if (!before(at(least).due, entry.due)) break;
    at(place) = at(least);
    place = least;
  }
  at(place) = entry;
}

std::optional<std::uint32_t> RoundRobin::choose(const View& view, const Request& request) {
  if (count_ == 0) return std::nullopt;
  if (!request.tried.empty()) return choose_untried(view, request);
  for (int skips = 0; skips < kSkipsMax; ++skips) {
    Entry top = at(kRoot);
    const std::uint32_t index = index_of(top);
    const bool taken = usable(view.servers[index], index, request);
    now_ = top.due;
    top.due += top.period;
    sink(kRoot, top);
    if (taken) return index;
  }
  return choose_among_all(view, request);
}

// The place of the usable server that is due first, or end().
std::size_t RoundRobin::first_usable(const View& view, const Request& request) noexcept {
  std::size_t first = end();
  for (std::size_t place = kRoot; place < end(); ++place) {
    const std::uint32_t index = index_of(at(place));
    if (!usable(view.servers[index], index, request)) continue;
    if (first == end() || before(at(place).due, at(first).due)) first = place;
  }
  return first;
}

// Most are unusable: all whose turn would have come before the chosen one's lose it at once.
std::optional<std::uint32_t> RoundRobin::choose_among_all(const View& view, const Request& request) noexcept {
  const std::size_t chosen = first_usable(view, request);
  if (chosen == end()) return std::nullopt;
  const std::uint32_t index = index_of(at(chosen));
  now_ = at(chosen).due;
  for (std::size_t place = kRoot; place < end(); ++place) {
    Entry& entry = at(place);
    if (!before(now_, entry.due)) entry.due += ((now_ - entry.due) / entry.period + 1) * entry.period;
  }
  order();
  return index;
}

// A connect has failed, its server has paid with its turn. The next one pays too, and early: it would otherwise serve
// the failed one's turn and soon its own, twice what its weight says. Those that were tried keep their places.
std::optional<std::uint32_t> RoundRobin::choose_untried(const View& view, const Request& request) noexcept {
  const std::size_t chosen = first_usable(view, request);
  if (chosen == end()) return std::nullopt;
  Entry entry = at(chosen);
  const std::uint32_t index = index_of(entry);
  entry.due += entry.period;
  sink(chosen, entry);
  return index;
}

}  // namespace holdfast::policy
