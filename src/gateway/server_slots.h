// gateway/server_slots.h: what all workers and control share about each server: live counts, limits, ports in use.
//
// Thread: open() and close() on control; the fields of a slot say who writes. A slot number reaches workers in a
//         snapshot of the pools, after the slot was opened, so the array itself needs no lock.
// Life:   a slot is kept over every change of the configuration that keeps pool and name, so counts and limits are
//         never forgotten. A closed one is used again after kRest, when no worker and no notice knows it any more.
// Limits: 65,535 servers in all pools together: a slot is 16 bits in the record of a relay, and one value means none.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "policy/rate_limit.h"
#include "policy/server.h"

namespace holdfast::gateway {

inline constexpr std::uint16_t kNoServer = 0xffff;

// One of the pool's source addresses, as one server's connections use it. A pool without any has one that stands for
// whatever the kernel chooses.
struct SourceLoad {
  std::atomic<std::uint32_t> ports{0};  // in use towards this server
  policy::AsideMark aside;              // the kernel has said that no port is left, or no address
  std::atomic<bool> unusable{false};    // because it is no address of this machine

  // Another address has the place. Its ports in use are none then.
  void forget() noexcept {
    aside.take_back();
    unusable.store(false, std::memory_order_relaxed);
  }
};

// Those of all source addresses of a pool, by the index that each address keeps.
//
// Thread: grow() and reset() on control, before an index is published; then [] on any. What is there never moves.
class SourceLoads {
 public:
  static constexpr std::size_t kMax = 128;

  void grow(std::size_t count);
  // As if nobody had used any; `count` there are.
  void reset(std::size_t count);

  [[nodiscard]] SourceLoad& operator[](std::uint8_t index) noexcept { return chunks_[chunk_of(index)][offset(index)]; }
  [[nodiscard]] const SourceLoad& operator[](std::uint8_t index) const noexcept {
    return chunks_[chunk_of(index)][offset(index)];
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  // Chunks of 1, 1, 2, 4 ... 64: most pools have one address or none.
  static constexpr std::size_t kChunks = 8;
  [[nodiscard]] static std::size_t chunk_of(std::uint8_t index) noexcept {
    return static_cast<std::size_t>(std::bit_width(index));
  }
  [[nodiscard]] static std::size_t offset(std::uint8_t index) noexcept {
    return index == 0 ? 0U : index - std::bit_floor(index);
  }
  [[nodiscard]] static std::size_t size_of(std::size_t chunk) noexcept {
    return chunk == 0 ? 1 : std::size_t{1} << (chunk - 1);
  }

  std::array<std::unique_ptr<SourceLoad[]>, kChunks> chunks_;
  std::size_t count_ = 0;
};

struct ServerSlot {
  policy::ServerLoad load;
  std::atomic<std::uint64_t> connections_total{0};  // established
  std::atomic<std::uint64_t> connect_failures_total{0};
  std::atomic<std::uint64_t> early_closes_total{0};
  std::atomic<std::uint64_t> ports_short_total{0};  // connects that found no free source port
  std::atomic<std::uint64_t> connect_us_total{0};   // from accept to established, of all that were
  std::atomic<std::uint32_t> failures_in_a_row{0};  // connects, since the last that worked
  policy::RateLimit closes;                         // paces the closing of its connections over all workers
  policy::RateLimit losses;        // connections that the server has ended; beyond the usual it is worth a look
  policy::RateLimit loss_notices;  // how often control is told so
  SourceLoads sources;

  // From here on for control alone.
  std::string pool;
  std::string server;
  std::uint16_t pool_slot = 0xffff;  // where the pool is in Pools::pools
  std::uint32_t place = 0;           // where the server is in its roster; means nothing when that has another there
};

class ServerSlots {
 public:
  static constexpr std::chrono::seconds kRest{10};

  // With room for so many source addresses. Nothing when all are in use.
  [[nodiscard]] std::optional<std::uint16_t> open(const std::string& pool, const std::string& server,
                                                  std::size_t sources);
  // When its last connection has ended.
  void close(std::uint16_t slot, base::Time now);

  [[nodiscard]] ServerSlot& operator[](std::uint16_t slot) noexcept { return chunks_[slot / kChunk][slot % kChunk]; }
  [[nodiscard]] const ServerSlot& operator[](std::uint16_t slot) const noexcept {
    return chunks_[slot / kChunk][slot % kChunk];
  }

 private:
  static constexpr std::size_t kChunk = 256;
  struct Closed {
    std::uint16_t slot;
    base::Time since;
  };

  [[nodiscard]] std::optional<std::uint16_t> find_free();

  std::array<std::unique_ptr<ServerSlot[]>, 65'536 / kChunk> chunks_;
  std::size_t used_ = 0;       // ever opened
  std::deque<Closed> closed_;  // the longest first
};

}  // namespace holdfast::gateway
