// entry/connection_ids.h: how the roles of a process number their connections, so that no two have the same id.
//
// A worker counts on from first_connection_id() + its number, by kConnectionIdStep. A connection keeps its id on every
// way it takes through the process.
//
// Thread: any.
#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::entry {

// Workers: the gateway's have numbers from 0 on, the broker's from kBrokerIds on.
inline constexpr std::uint64_t kConnectionIdStep = 512;
inline constexpr std::uint64_t kBrokerIds = 256;

[[nodiscard]] constexpr bool is_of_broker(std::uint64_t connection_id) noexcept {
  return connection_id % kConnectionIdStep >= kBrokerIds;
}

// A multiple of the step. Unique over the processes of a machine: they count on from the wall-clock time in
// microseconds. Below 2^53 until the year 2255, so that readers of JSON that only know floating point see them whole.
[[nodiscard]] inline std::uint64_t first_connection_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return static_cast<std::uint64_t>(microseconds) / kConnectionIdStep * kConnectionIdStep;
}

}  // namespace holdfast::entry
