// apps/holdfast/mqtt/message_source.h: the payloads that `publish` sends, one after the other.
//
// Thread: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mqtt/world.h"

namespace holdfast::app {

class MessageSource {
 public:
  MessageSource() = default;
  virtual ~MessageSource() = default;
  MessageSource(const MessageSource&) = delete;
  MessageSource& operator=(const MessageSource&) = delete;

  // The next one, if there is one now; the event is set when there may be.
  [[nodiscard]] virtual std::optional<std::string> take() = 0;
  [[nodiscard]] virtual bool is_over() = 0;
};

// `payload` so many times, with the number of each in place of "{n}" when `numbered`.
enum class Numbered : std::uint8_t { no, yes };
[[nodiscard]] std::unique_ptr<MessageSource> repeated(std::string payload, std::uint64_t count, Numbered numbered);
// Each line of standard input, without its end. Throws CommandFailed when it cannot be read, or for a line that is
// longer than a packet may be.
[[nodiscard]] std::unique_ptr<MessageSource> lines_of_input(World& world);

}  // namespace holdfast::app
