#include "gateway/server_slots.h"

namespace holdfast::gateway {

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
  opened.ports_short_total = 0;
  opened.failures_in_a_row = 0;
  opened.load.aside.take_back();
  opened.load.accepts.forget();
  opened.closes.forget();
  opened.source_count = static_cast<std::uint8_t>(sources);
  opened.sources = std::make_unique<SourceLoad[]>(sources);
  return slot;
}

void ServerSlots::close(std::uint16_t slot, base::Time now) { closed_.push_back({slot, now}); }

}  // namespace holdfast::gateway
