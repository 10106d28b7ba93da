#include "wire/websocket/frame_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace holdfast::wire::websocket {
namespace {

using Bytes = std::vector<std::byte>;

constexpr Mask kMask{std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};

std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// A frame with any first byte, as that end sends it.
std::string frame(Sender sender, unsigned first, std::string_view payload) {
  const std::optional<Mask> mask = sender == Sender::client ? std::optional(kMask) : std::nullopt;
  Bytes out;
  append_frame(out, Opcode::binary, std::as_bytes(std::span(payload)), mask);
  out[0] = static_cast<std::byte>(first);
  return text_of(out);
}

constexpr unsigned kBinary = 0x82;
constexpr unsigned kBinaryBegins = 0x02;
constexpr unsigned kGoesOn = 0x00;
constexpr unsigned kEnds = 0x80;
constexpr unsigned kClose = 0x88;
constexpr unsigned kPing = 0x89;
constexpr unsigned kPong = 0x8a;

// All that a reader says of the input when it comes in pieces: the stream, and the rest as words in brackets.
std::string said(Sender sender, std::string_view input, std::size_t piece) {
  FrameReader reader(sender);
  std::string out;
  Bytes kept;
  for (std::size_t at = 0; at < input.size(); at += piece) {
    const auto next = std::as_bytes(std::span(input.substr(at, piece)));
    kept.insert(kept.end(), next.begin(), next.end());
    for (;;) {
      Bytes copy = kept;  // memory that ends where the input ends
      const FrameRead read = reader.read(copy);
      kept.assign(copy.begin() + static_cast<std::ptrdiff_t>(read.bytes), copy.end());
      if (read.event == FrameEvent::more) break;
      switch (read.event) {
        case FrameEvent::ping: out += "[ping " + text_of(read.payload) + "]"; break;
        case FrameEvent::pong: out += "[pong " + text_of(read.payload) + "]"; break;
        case FrameEvent::close:
          out += "[close " + std::to_string(static_cast<int>(read.code)) + " " + text_of(read.payload) + "]";
          break;
        case FrameEvent::fault: out += "[fault " + std::to_string(static_cast<int>(read.fault->code)) + "]"; break;
        default: out += text_of(read.payload);
      }
    }
    EXPECT_LE(kept.size(), kFrameHeadBytesMax + kControlBytesMax);
  }
  return out;
}

void expect_said(Sender sender, const std::string& input, const std::string& want) {
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    ASSERT_EQ(said(sender, input, piece), want) << "in pieces of " << piece;
  }
}

struct Stream {
  const char* name;
  std::vector<std::pair<unsigned, std::string>> frames;
  std::string want;
};

const std::string kLong(300, 'l');

const Stream kStreams[] = {
    {"one message", {{kBinary, "hello"}}, "hello"},
    //= MQTT5 [MQTT-6.0.0-2] type=test
    //= MQTT311 [MQTT-6.0.0-2] type=test
    {"messages are one stream", {{kBinary, "hel"}, {kBinary, "lo"}}, "hello"},
    {"a length of two bytes", {{kBinary, kLong}}, kLong},
    {"a message without a payload", {{kBinary, ""}, {kBinary, "x"}}, "x"},
    //= RFC6455 5.4 type=test
    {"fragments", {{kBinaryBegins, "a"}, {kGoesOn, "b"}, {kGoesOn, ""}, {kEnds, "c"}, {kBinary, "d"}}, "abcd"},
    {"control between fragments", {{kBinaryBegins, "a"}, {kPing, "1"}, {kPong, ""}, {kEnds, "b"}}, "a[ping 1][pong ]b"},
    //= RFC6455 5.5.2 type=test
    {"the longest ping", {{kPing, std::string(125, 'p')}}, "[ping " + std::string(125, 'p') + "]"},
    //= RFC6455 5.5.1 type=test
    {"close without a code", {{kBinary, "a"}, {kClose, ""}, {kBinary, "never"}}, "a[close 1005 ]"},
    {"close with a code", {{kClose, "\x03\xe8"}}, "[close 1000 ]"},
    {"close with a reason", {{kClose, "\x03\xe9gone"}, {0xff, "?"}}, "[close 1001 gone]"},
    {"close of an application", {{kClose, "\x0f\xa0"}}, "[close 4000 ]"},
    {"close within a message", {{kBinaryBegins, "a"}, {kClose, "\x03\xe8"}}, "a[close 1000 ]"},
    {"close with half a code", {{kClose, "\x03"}}, "[fault 1002]"},
    {"close with a code that is not sent", {{kClose, "\x03\xed"}}, "[fault 1002]"},
    {"close whose reason is not UTF-8", {{kClose, "\x03\xe8\xff"}}, "[fault 1007]"},
    //= MQTT5 [MQTT-6.0.0-1] type=test
    //= MQTT311 [MQTT-6.0.0-1] type=test
    {"text", {{kBinary, "a"}, {0x81, "text"}}, "a[fault 1003]"},
    //= RFC6455 5.2 type=test
    {"reserved bit 1", {{0xc2, "a"}}, "[fault 1002]"},
    {"reserved bit 2", {{0xa2, "a"}}, "[fault 1002]"},
    {"reserved bit 3", {{0x92, "a"}}, "[fault 1002]"},
    {"unknown opcode 3", {{0x83, "a"}}, "[fault 1002]"},
    {"unknown control opcode", {{0x8b, "a"}}, "[fault 1002]"},
    {"nothing to go on with", {{kGoesOn, "a"}}, "[fault 1002]"},
    {"nothing to end", {{kBinary, "a"}, {kEnds, "b"}}, "a[fault 1002]"},
    {"a message within another", {{kBinaryBegins, "a"}, {kBinary, "b"}}, "a[fault 1002]"},
    //= RFC6455 5.5 type=test
    {"a ping in pieces", {{0x09, "a"}}, "[fault 1002]"},
    {"a close in pieces", {{0x08, ""}}, "[fault 1002]"},
    {"a ping that is too long", {{kPing, std::string(126, 'p')}}, "[fault 1002]"},
    {"nothing is said behind a fault", {{0x83, "a"}, {kBinary, "b"}, {kClose, ""}}, "[fault 1002]"},
};

TEST(WebSocketFrameReader, SaysTheSameHoweverTheBytesCome) {
  for (const Stream& row : kStreams) {
    SCOPED_TRACE(row.name);
    for (const Sender sender : {Sender::client, Sender::server}) {
      std::string input;
      for (const auto& [first, payload] : row.frames) input += frame(sender, first, payload);
      expect_said(sender, input, row.want);
    }
  }
}

struct Head {
  const char* name;
  Sender sender;
  std::string input;
  int code;  // of the fault; 0: none
};

//= RFC6455 5.1 type=test
//= RFC6455 5.2 type=test
const Head kHeads[] = {
    {"a client without a mask", Sender::client, {'\x82', '\x01', 'a'}, 1002},
    {"a server with a mask", Sender::server, {'\x82', '\x81', 0, 0, 0, 0, 'a'}, 1002},
    {"two bytes for 125", Sender::server, {'\x82', '\x7e', 0, 125}, 1002},
    {"two bytes for 126", Sender::server, {'\x82', '\x7e', 0, 126}, 0},
    {"eight bytes for 65,535", Sender::server, {'\x82', '\x7f', 0, 0, 0, 0, 0, 0, '\xff', '\xff'}, 1002},
    {"eight bytes for 65,536", Sender::server, {'\x82', '\x7f', 0, 0, 0, 0, 0, 1, 0, 0}, 0},
    {"a negative length", Sender::server, {'\x82', '\x7f', '\x80', 0, 0, 0, 0, 0, 0, 0}, 1002},
    {"above the limit", Sender::server, {'\x82', '\x7f', 0, 0, 0, 0, '\x40', 0, 0, 1}, 1009},
    {"at the limit", Sender::server, {'\x82', '\x7f', 0, 0, 0, 0, '\x40', 0, 0, 0}, 0},
};

TEST(WebSocketFrameReader, JudgesAHead) {
  for (const Head& row : kHeads) {
    SCOPED_TRACE(row.name);
    expect_said(row.sender, row.input, row.code == 0 ? "" : "[fault " + std::to_string(row.code) + "]");
  }
}

// A fault shows with the byte that shows it.
TEST(WebSocketFrameReader, RefusesAsSoonAsItShows) {
  for (const auto& [sender, input] :
       {std::pair(Sender::client, std::string("\x83")), std::pair(Sender::client, std::string("\x82\x01")),
        std::pair(Sender::server, std::string("\x89\x7e"))}) {
    EXPECT_EQ(said(sender, input, 1), "[fault 1002]");
    EXPECT_EQ(said(sender, input.substr(0, input.size() - 1), 1), "");
  }
}

TEST(WebSocketFrameReader, HasALimitOfTheCaller) {
  for (const std::uint64_t limit : {4U, 5U}) {
    const std::string input = frame(Sender::client, kBinary, "12345");
    Bytes bytes(input.size());
    std::ranges::copy(std::as_bytes(std::span(input)), bytes.begin());
    FrameReader reader(Sender::client);
    const FrameRead read = reader.read(bytes, limit);
    EXPECT_EQ(read.event, limit < 5 ? FrameEvent::fault : FrameEvent::data);
    EXPECT_EQ(read.fault == nullptr, limit >= 5);
    if (read.fault != nullptr) {
      EXPECT_EQ(read.fault->code, CloseCode::message_too_big);
    }
  }
}

// Random payloads of random frames come out as they went in, whatever the pieces are.
TEST(WebSocketFrameReader, GivesBackAnyStream) {
  base::Random random(8083);
  for (int round = 0; round < 200; ++round) {
    std::string want;
    Bytes stream;
    for (std::uint32_t frames = 1 + random.below(8); frames > 0; --frames) {
      std::string payload(random.below(random.below(4) == 0 ? 70'000 : 200), '\0');
      for (char& each : payload) each = static_cast<char>(random.below(256));
      Mask mask;
      for (std::byte& each : mask) each = static_cast<std::byte>(random.below(256));
      append_frame(stream, Opcode::binary, std::as_bytes(std::span(payload)), mask);
      want += payload;
    }
    FrameReader reader(Sender::client);
    std::string got;
    std::size_t taken = 0;
    for (std::size_t end = 0; end < stream.size();) {
      end = std::min(stream.size(), end + 1 + random.below(5000));
      for (;;) {
        const FrameRead read = reader.read(std::span(stream).subspan(taken, end - taken));
        taken += read.bytes;
        if (read.event != FrameEvent::data) break;
        got += text_of(read.payload);
      }
    }
    ASSERT_EQ(got, want);
  }
}

}  // namespace
}  // namespace holdfast::wire::websocket
