// broker/core/topic_order.h: numbers of topics in the order of their names, level by level: `a`, `a/b`, `a0`. For
// retained_tree.h, which knows the names.
//
// All topics below one stand behind it, before any other: a walk can jump over them.
// Thread: one owner. Cost: O(log n) comparisons; an insert moves at most 1 kB, and when its block is split 8 bytes for
//         each block behind. Memory: 6 bytes a topic where they come in any order, 4 where they come in order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace holdfast::broker {

// Less than 0, 0, more than 0. `/` comes before every other byte.
[[nodiscard]] int compare_topics(std::string_view a, std::string_view b) noexcept;

class TopicOrder {
 public:
  // Names of what is in the order.
  struct Names {
    virtual std::string_view name(std::uint32_t topic) const noexcept = 0;

   protected:
    ~Names() = default;
  };
  struct Place {
    std::size_t block = 0;
    std::size_t index = 0;
  };

  // The first topic that is not before `name`; at_end() when there is none. `near` is any block: fast when it is the
  // right one or a little before it.
  [[nodiscard]] Place seek(std::string_view name, const Names& names, std::size_t near = 0) const noexcept;
  [[nodiscard]] bool at_end(const Place& place) const noexcept { return place.block == blocks_.size(); }
  [[nodiscard]] std::uint32_t at(const Place& place) const noexcept {
    return blocks_[place.block]->topics[place.index];
  }

  // Its name must be in `names`, and not in the order yet; or in the order, for erase().
  void insert(std::uint32_t topic, const Names& names);
  void erase(std::uint32_t topic, const Names& names);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return blocks_.size() * sizeof(Block) + blocks_.capacity() * sizeof(blocks_[0]);
  }

 private:
  static constexpr std::size_t kBlock = 255;

  struct Block {
    std::uint32_t count = 0;
    std::array<std::uint32_t, kBlock> topics;
  };

  [[nodiscard]] std::size_t block_of(std::string_view name, const Names& names, std::size_t near) const noexcept;

  std::vector<std::unique_ptr<Block>> blocks_;  // none empty
  std::size_t size_ = 0;
};

}  // namespace holdfast::broker
