// policy/round_robin.h: servers in turn, each as often as its weight says, spread as evenly as can be.
//
// Thread: one worker. Cost: a choice is O(log n) on a heap of 16-byte entries, whatever the weights; each unusable
//         server costs the same once in its turn. When most are unusable, and for the second candidate of a selection
//         on, all servers are looked at. Memory: 32 bytes a server.
// Shares: exact to a few choices at any time, as long as all are usable. An unusable server loses its turns: it does
//         not catch up when it returns, and the others share them by weight.
// Source: earliest deadline first in virtual time, as Envoy's EdfScheduler: a server of weight w is due every 1/w. So
//         that {5,1,1} gives aabaaac and not aaaaabc, servers of equal weight are due evenly spaced.
#pragma once

#include <array>
#include <vector>

#include "policy/policy.h"

namespace holdfast::policy {

class RoundRobin final : public Policy {
 public:
  explicit RoundRobin(std::uint32_t offset) noexcept : offset_(offset) {}

  [[nodiscard]] std::optional<std::uint32_t> choose(const View& view, const Request& request) override;
  // Servers are known again by their ServerLoad and keep how far off their next turn is, also while they have no
  // weight: changes at short intervals, by checks or slow start, favour nobody.
  void changed(const View& view) override;

 private:
  // In one word, so that one comparison orders them: the virtual time (48 bits, wraps) and the index of the server.
  struct Entry {
    std::uint64_t due = 0;
    std::uint64_t period = 0;
  };
  // The four children of an entry share a cache line.
  struct alignas(64) Line {
    std::array<Entry, 4> entries;
  };
  static constexpr std::size_t kRoot = 3;  // the last of the first line, so that its children fill the second

  static bool before(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<std::int64_t>(a - b) < 0; }
  static std::uint32_t index_of(const Entry& entry) noexcept { return static_cast<std::uint32_t>(entry.due & 0xffff); }
  Entry& at(std::size_t place) noexcept { return lines_[place / 4].entries[place % 4]; }
  [[nodiscard]] std::size_t end() const noexcept { return kRoot + count_; }
  std::size_t first_child(std::size_t place) const noexcept { return 4 * place - 8; }

  // What is kept of a server from one view to the next.
  struct Known {
    const ServerLoad* load = nullptr;
    double left = 0;  // of its period, until it is due
  };

  void begin_somewhere(const View& view);
  void note_what_is_left();
  [[nodiscard]] std::vector<Known> known_in(const View& view) const;
  void order() noexcept;
  void sink(std::size_t place, Entry entry) noexcept;
  [[nodiscard]] std::size_t first_usable(const View& view, const Request& request) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> choose_among_all(const View& view, const Request& request) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> choose_untried(const View& view, const Request& request) noexcept;

  std::uint32_t offset_;
  bool begun_ = false;
  std::uint64_t now_ = 0;  // when the last one was due; nobody in the heap is due before
  std::size_t count_ = 0;
  std::vector<Line> lines_;
  std::vector<Known> known_;  // by index in the view
};

}  // namespace holdfast::policy
