// broker/core/route_table.h: which workers want a topic; later, which nodes. Every publisher's worker has a whole copy.
//
// A *shape* is the number of levels, which of them are `+`, and whether `#` follows. Real use has a handful. A topic's
// levels are hashed once; each live shape that can match gives one fingerprint of its literal levels to look for.
// Thread: one owner.
// Cost:   a match is one look-up a live shape with as many levels; all are prefetched first. It allocates nothing.
// Memory: 21 to 43 bytes a filter, however many workers have it. No text is kept.
// Limits: kWorkersMax. kShapesMax live shapes: a filter of another shape is taken as "this worker wants everything of
//         that many levels" until it is removed, and is counted in wide(). So a match may name too many workers, never
//         too few. The same follows when two filters have one fingerprint of 64 bits, which nobody can bring about on
//         purpose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/core/flat_table.h"
#include "broker/core/hashed_topic.h"
#include "broker/core/keyed_hash.h"

namespace holdfast::broker {

class RouteTable {
 public:
  using Worker = std::uint32_t;
  using Mask = std::uint64_t;  // bit n: worker n

  static constexpr Worker kWorkersMax = 64;
  static constexpr std::size_t kShapesMax = 32;

  // `hash_bits` under 64 makes fingerprints collide, for tests.
  explicit RouteTable(const HashKey& key, unsigned hash_bits = 64) noexcept;

  // The filter, valid and without "$share/GROUP/", has its first subscriber on that worker: to be called once until the
  // worker has none left, and remove() is called. remove() of what was not added is a programming error.
  void add(std::string_view filter, Worker worker);
  void remove(std::string_view filter, Worker worker);

  [[nodiscard]] Mask match(const HashedTopic& topic) const noexcept;
  [[nodiscard]] Mask match(std::string_view topic) const noexcept { return match(HashedTopic(topic, key_)); }
  [[nodiscard]] const HashKey& key() const noexcept { return key_; }

  [[nodiscard]] std::size_t fingerprints() const noexcept { return routes_.size(); }
  [[nodiscard]] std::size_t shapes() const noexcept { return shapes_.size(); }
  [[nodiscard]] std::size_t wide() const noexcept { return wide_filters_; }  // more than 0 is worth an alarm
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Shape {
    std::array<std::uint64_t, kLevelsMax / 64> plus{};  // bit i: level i is `+`
    std::uint8_t levels = 0;                            // before the `#`
    bool has_rest = false;

    [[nodiscard]] bool is_plus(std::size_t level) const noexcept { return (plus[level / 64] >> level % 64 & 1) != 0; }
    [[nodiscard]] bool begins_wild() const noexcept { return levels == 0 || is_plus(0); }
    friend bool operator==(const Shape&, const Shape&) = default;
  };
  struct LiveShape {
    Shape shape;
    std::uint64_t hash = 0;
    std::size_t filters = 0;   // added by all workers
    std::uint32_t number = 0;  // under kShapesMax, a part of its fingerprints: no two shapes share one
  };
  struct Route {
    std::uint64_t hash = 0;
    Mask workers = 0;
  };
  // A filter whose fingerprint the worker has already, for another filter.
  struct Double {
    std::uint64_t hash = 0;
    Worker worker = 0;
    friend bool operator==(const Double&, const Double&) = default;
  };
  // Filters of shapes beyond the limit: how many of each kind a worker has, and the workers that a topic goes to for
  // them, by its number of levels. Names of the server's own are apart: a filter that begins wild does not match them.
  struct Wide {
    struct Kind {
      std::array<std::uint32_t, kWorkersMax> filters{};
    };
    std::array<std::array<std::array<Kind, 2>, 2>, kLevelsMax + 1> kinds{};  // [levels][has_rest][begins_wild]
    std::array<std::array<Mask, kLevelsMax + 1>, 2> masks{};                 // [is own][levels]

    [[nodiscard]] std::uint32_t& filters(const Shape& shape, Worker worker) noexcept {
      return kinds[shape.levels][shape.has_rest ? 1 : 0][shape.begins_wild() ? 1 : 0].filters[worker];
    }
    void make_masks(Worker worker) noexcept;
  };

  [[nodiscard]] static Shape shape_of(const HashedTopic& filter) noexcept;
  [[nodiscard]] std::uint64_t fingerprint(const HashedTopic& topic, const LiveShape& live) const noexcept;
  [[nodiscard]] LiveShape* find(const Shape& shape) noexcept;
  [[nodiscard]] LiveShape* make(const Shape& shape);
  void drop(LiveShape* live) noexcept;
  void add_wide(const Shape& shape, Worker worker);
  void remove_wide(const Shape& shape, Worker worker);

  HashKey key_;
  std::uint64_t hash_mask_;
  std::uint64_t shape_seed_;
  std::vector<LiveShape> shapes_;
  std::uint32_t numbers_ = 0;  // bit n: a shape has that number
  FlatTable<Route> routes_;
  std::vector<Double> doubles_;
  std::unique_ptr<Wide> wide_;  // null while there is none
  std::size_t wide_filters_ = 0;
};

}  // namespace holdfast::broker
