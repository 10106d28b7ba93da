// broker/core/retained_tree.h: the retained messages of one shard.
//
// Thread: one owner. Time is an argument.
// Cost:   a message is stored, replaced and found by its topic's hash; a new topic also takes its place in an order of
//         all topics, level by level: O(log n) comparisons. A scan with wildcards walks that order and jumps over
//         whatever cannot match: a step is one topic that matches or one jump, and there are at most about two jumps a
//         level for each different beginning of topics that fits a beginning of the filter.
// Memory: 47 to 62 bytes a topic beside its message, of which the tree holds one reference.
// Limits: RetainedLimits. Scans go by steps, expire() by places, so that no call takes long.
//
// Versions order the writes of a topic, whichever way they come: a write that is not newer than what is there does
// nothing. So that an old write cannot bring back what was removed, a removed topic keeps its version for
// `removed_kept`; where writes of a topic always come in order (one worker, one node) it may be 0 and nothing is kept.
// What has expired leaves no such trace.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/slab.h"
#include "base/time.h"
#include "broker/core/flat_table.h"
#include "broker/core/keyed_hash.h"
#include "broker/core/message.h"
#include "broker/core/topic_order.h"

namespace holdfast::broker {

struct Version {
  std::uint64_t clock = 0;
  std::uint16_t node = 0;

  friend auto operator<=>(const Version&, const Version&) = default;
};

struct RetainedLimits {
  std::size_t messages_max = 1'000'000;
  std::size_t bytes_max = std::size_t{1} << 30;  // of whole messages, those of removed topics too
  std::size_t removed_max = 10'000;              // the oldest are forgotten first
  base::Duration removed_kept = std::chrono::seconds(30);
};

class RetainedTree final : private TopicOrder::Names {
 public:
  explicit RetainedTree(const HashKey& key, const RetainedLimits& limits = {});
  RetainedTree(const RetainedTree&) = delete;
  RetainedTree& operator=(const RetainedTree&) = delete;

  enum class Put : std::uint8_t {
    stored,
    replaced,
    removed,    // by an empty payload
    nothing,    // an empty payload, and there was nothing
    older,      // than what is there, or was removed; or of the same version
    too_many,   // refused: another topic would be beyond messages_max
    too_large,  // refused: bytes_max
  };
  // A refused message changes nothing: what was there stays.
  //= MQTT5 [MQTT-3.3.1-5]
  //= MQTT5 [MQTT-3.3.1-6]
  //= MQTT5 [MQTT-3.3.1-7]
  //= MQTT311 [MQTT-3.3.1-5]
  //= MQTT311 [MQTT-3.3.1-10]
  //= MQTT311 [MQTT-3.3.1-11]
  Put put(MessageRef message, const Version& version, base::Time now);

  // The message of one topic, or nothing. One that has expired is removed by this, and by every scan that meets it.
  [[nodiscard]] MessageRef find(std::string_view topic, base::Time now);

  // Where a scan is: it has a copy of the name of a topic, and nothing of the tree. A topic that is there all the time
  // is met exactly once, in the order of names, with the message that it has then. One that comes, goes or changes
  // during the scan is met at most once, if at all with what it has then. Begin with Cursor{}.
  struct Cursor {
    std::string from;
    std::size_t near = 0;  // only makes it faster
    bool is_begun = false;
    bool is_done = false;
  };
  // Goes on by at most `steps` (at least 1) and calls visit(MessageRef) for each message that `filter` matches. `visit`
  // may change the tree. Returns how many steps were taken.
  template <typename Visit>
  std::size_t scan(std::string_view filter, Cursor& cursor, std::size_t steps, base::Time now, Visit&& visit) {
    std::size_t left = steps;
    while (MessageRef message = next(filter, cursor, left, now)) visit(std::move(message));
    return steps - left;
  }
  // The next one, counting `steps` down; nothing when they are used up or the scan is done.
  [[nodiscard]] MessageRef next(std::string_view filter, Cursor& cursor, std::size_t& steps, base::Time now);

  // Looks at the next `places`, in a ring, and removes what has expired and what is kept of removed topics no longer.
  // Returns how many messages it has removed. Called often enough, memory follows expiry.
  std::size_t expire(std::uint32_t places, base::Time now);

  void set_limits(const RetainedLimits& limits) noexcept { limits_ = limits; }  // for what comes from now on

  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }  // of the messages, counted whole
  [[nodiscard]] std::size_t removed() const noexcept { return records_.size() - order_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;  // without the messages

 private:
  struct Record {
    MessageRef message;  // of a removed topic: the one that removed it
    std::uint64_t clock = 0;
    std::uint16_t node = 0;
    bool is_removed = false;

    [[nodiscard]] Version version() const noexcept { return {clock, node}; }
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t record = 0;
  };
  struct Removal {
    base::Key record;
    Version version;
    base::Time until;
  };

  [[nodiscard]] std::uint32_t slot_hash(std::string_view topic) const noexcept;
  [[nodiscard]] Slot* find_slot(std::string_view topic) noexcept;
  Put store(MessageRef message, const Version& version, Slot* slot);
  Put remove(MessageRef message, const Version& version, base::Time now, Slot* slot);
  void end(std::uint32_t record);
  // One step of a scan: the record of a topic that matches.
  [[nodiscard]] std::optional<std::uint32_t> step(std::string_view filter, Cursor& cursor);
  [[nodiscard]] std::optional<std::uint32_t> step_to(std::string_view topic, Cursor& cursor) noexcept;
  void forget_first_removal();
  void forget_removed(base::Time now);
  void forget_removed_beyond_limits();
  [[nodiscard]] std::string_view name(std::uint32_t topic) const noexcept override;

  HashKey key_;
  RetainedLimits limits_;
  base::Slab<Record> records_;
  FlatTable<Slot> slots_;
  TopicOrder order_;
  std::deque<Removal> removals_;
  std::size_t bytes_ = 0;
  std::size_t removed_bytes_ = 0;
  std::uint32_t expire_at_ = 0;
};

}  // namespace holdfast::broker
