// wire/websocket/frame_reader.h: takes the frames of a connection apart as its bytes come, for a stream of binary
// messages such as MQTT's.
//
// Source: RFC 6455, 5 to 7; MQTT5 6.0. MQTT does not care where messages begin and end ([MQTT-6.0.0-2]), so messages
// are not put together: their payload is handed out as it comes, unmasked where it lies.
// Thread: one owner's value; it holds no pointer and may be copied as it is. Cost: 16 bytes; nothing allocates.
// Limits: a frame of more than the bytes given to read() is refused; a message may have any number of frames, since
//         nothing is kept. Of what was not taken at most kFrameHeadBytesMax + kControlBytesMax have to be kept by the
//         caller.
#pragma once

#include "wire/websocket/frame.h"

namespace holdfast::wire::websocket {

// Who sent the frames: a client masks, a server does not.
enum class Sender : std::uint8_t { client, server };

// Faults are constants that live as long as the process: hold them by pointer.
struct FrameFault {
  CloseCode code{};         // to close with
  const char* clause = "";  // "RFC6455 5.2"
  const char* what = "";    // for the log and the reason of the close
};

enum class FrameEvent : std::uint8_t {
  more,   // nothing can be made of the rest until there is more of it
  data,   // `payload` is the next bytes of the stream
  ping,   // answer with a pong of the same payload
  pong,   // an answer to ours, or unasked for
  close,  // the peer closes: answer with a close unless one was sent, then end the connection
  fault,  // close with fault->code, and end the connection
};

struct FrameRead {
  FrameEvent event = FrameEvent::more;
  std::size_t bytes = 0;               // to be dropped from the front of the input, `payload` within them
  std::span<const std::byte> payload;  // of data, ping and pong; of close the reason, which is UTF-8
  CloseCode code = CloseCode::none;    // of close
  const FrameFault* fault = nullptr;   // of fault
};

inline constexpr std::uint64_t kFrameBytesMax = std::uint64_t{1} << 30;

class FrameReader {
 public:
  explicit FrameReader(Sender sender) noexcept : sender_(sender) {}

  // The next thing in `input`, everything received and not yet taken, whose payload is unmasked in place. Ask until it
  // is `more`. After a close or a fault everything is taken and nothing said (RFC6455 1.4, 7.1.7).
  [[nodiscard]] FrameRead read(std::span<std::byte> input, std::uint64_t frame_bytes_max = kFrameBytesMax) noexcept;

 private:
  struct Head;
  [[nodiscard]] const FrameFault* check(const Head& head, std::uint64_t frame_bytes_max) const noexcept;
  [[nodiscard]] FrameRead begin_frame(std::span<std::byte> input, std::uint64_t frame_bytes_max) noexcept;
  [[nodiscard]] FrameRead take_control(const Head& head, std::span<std::byte> input) noexcept;
  [[nodiscard]] FrameRead take_data(std::span<std::byte> input, std::size_t before) noexcept;
  [[nodiscard]] FrameRead end(const FrameFault& fault) noexcept;

  std::uint64_t payload_left_ = 0;  // of the data frame that is being taken
  Mask mask_{};                     // for the next byte of that
  bool is_in_message_ = false;      // the last data frame was not its message's last
  bool is_ended_ = false;
  Sender sender_;
};
static_assert(sizeof(FrameReader) == 16);

}  // namespace holdfast::wire::websocket
