#include "gateway/server_slots.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::gateway {

void SourceLoads::grow(std::size_t count) {
  if (count > kMax) std::abort();
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
    const std::size_t begin = chunk == 0 ? 0 : size_of(chunk);
    if (begin < count && !chunks_[chunk]) chunks_[chunk] = std::make_unique<SourceLoad[]>(size_of(chunk));
  }
  count_ = std::max(count_, count);
}

void SourceLoads::reset(std::size_t count) {
  for (std::size_t i = 0; i < count_; ++i) {
    SourceLoad& load = (*this)[static_cast<std::uint8_t>(i)];
    load.ports = 0;
    load.forget();
  }
  count_ = 0;
  grow(count);
}

std::optional<std::uint16_t> ServerSlots::find_free() {
  // A worker that had not yet seen the server go may have connected to it since: then the slot is not free for long.
  const base::Time now = base::Clock::now();
  while (!closed_.empty() && now - closed_.front().since >= kRest) {
    const std::uint16_t slot = closed_.front().slot;
    closed_.pop_front();
    if ((*this)[slot].load.connections.load(std::memory_order_relaxed) == 0) return slot;
    closed_.push_back({slot, now});
  }
  if (used_ == kNoServer) return std::nullopt;
  const auto slot = static_cast<std::uint16_t>(used_++);
  if (slot % kChunk == 0) chunks_[slot / kChunk] = std::make_unique<ServerSlot[]>(kChunk);
  return slot;
}

std::optional<std::uint16_t> ServerSlots::open(const std::string& pool, const std::string& server,
                                               std::size_t sources) {
  const auto slot = find_free();
  if (!slot) return std::nullopt;
  ServerSlot& opened = (*this)[*slot];
  opened.pool = pool;
  opened.server = server;
  opened.connections_total = 0;
  opened.connect_failures_total = 0;
  opened.early_closes_total = 0;
  opened.connect_us_total = 0;
  opened.ports_short_total = 0;
  opened.failures_in_a_row = 0;
  opened.load.aside.take_back();
  opened.load.accepts.forget();
  opened.closes.forget();
  opened.losses.forget();
  opened.loss_notices.forget();
  opened.sources.reset(sources);
  return slot;
}

void ServerSlots::close(std::uint16_t slot, base::Time now) { closed_.push_back({slot, now}); }

}  // namespace holdfast::gateway
