#include "load/messages.h"

#include <algorithm>

namespace holdfast::load {
namespace {

constexpr std::size_t kBatchBytes = 64 * 1024;

}  // namespace

Messages::Messages(std::uint32_t message_bytes)
    : message_bytes_(message_bytes),
      batch_max_(std::max<std::size_t>(1, kBatchBytes / message_bytes)),
      outgoing_(batch_max_ * message_bytes, std::byte{'h'}),
      incoming_(kBatchBytes) {}

bool Messages::take(MessageState& state, std::span<const std::byte>& bytes) const noexcept {
  const std::size_t count = std::min<std::size_t>(message_bytes_ - state.received_bytes, bytes.size());
  if (state.received_bytes < sizeof(Stamp)) {
    const std::size_t head = std::min(sizeof(Stamp) - state.received_bytes, count);
    std::memcpy(reinterpret_cast<std::byte*>(&state.receiving) + state.received_bytes, bytes.data(), head);
  }
  bytes = bytes.subspan(count);
  state.received_bytes += static_cast<std::uint32_t>(count);
  if (state.received_bytes < message_bytes_) return false;
  state.received_bytes = 0;
  return true;
}

void Messages::note_sent(MessageState& state, std::size_t bytes) const noexcept {
  const std::size_t end = state.sent_bytes + bytes;
  const std::size_t whole = end / message_bytes_;
  state.sent += whole;
  state.sent_bytes = static_cast<std::uint32_t>(end % message_bytes_);
  if (state.mid_message()) std::memcpy(&state.sending, outgoing_.data() + whole * message_bytes_, sizeof(Stamp));
}

}  // namespace holdfast::load
