#include "wire/websocket/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace holdfast::wire::websocket {
namespace {

using Bytes = std::vector<std::byte>;

constexpr Mask kMask{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

//= RFC6455 5.3 type=test
TEST(WebSocketMask, IsTheSameInPiecesOfAnySize) {
  base::Random random(6455);
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes plain(size);
    for (std::byte& each : plain) each = static_cast<std::byte>(random.next() & 0xff);
    Bytes masked = plain;
    for (std::size_t i = 0; i < size; ++i) masked[i] ^= kMask[i % 4];
    for (std::size_t cut = 0; cut <= size; ++cut) {
      Bytes got = plain;
      const Mask next = apply_mask(std::span(got).first(cut), kMask);
      apply_mask(std::span(got).subspan(cut), next);
      ASSERT_EQ(got, masked) << size << ' ' << cut;
    }
  }
}

struct Case {
  std::uint64_t payload_bytes;
  Bytes head;
};

//= RFC6455 5.2 type=test
TEST(WebSocketFrame, HasTheShortestHead) {
  const Case kCases[] = {
      {0, bytes({0x82, 0})},
      {125, bytes({0x82, 125})},
      {126, bytes({0x82, 126, 0, 126})},
      {65'535, bytes({0x82, 126, 0xff, 0xff})},
      {65'536, bytes({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0})},
      {0x0102'0304'0506'0708, bytes({0x82, 127, 1, 2, 3, 4, 5, 6, 7, 8})},
  };
  for (const Case& c : kCases) {
    const FrameHead plain = frame_head(Opcode::binary, c.payload_bytes);
    EXPECT_EQ(Bytes(plain.bytes().begin(), plain.bytes().end()), c.head);
    EXPECT_EQ(frame_head_bytes(c.payload_bytes), c.head.size());
    Bytes masked = c.head;
    masked[1] |= std::byte{0x80};
    masked.insert(masked.end(), kMask.begin(), kMask.end());
    const FrameHead got = frame_head(Opcode::binary, c.payload_bytes, kMask);
    EXPECT_EQ(Bytes(got.bytes().begin(), got.bytes().end()), masked);
  }
}

//= RFC6455 5.7 type=test
TEST(WebSocketFrame, IsWrittenAsInTheExamplesOfTheStandard) {
  Bytes out;
  append_frame(out, Opcode::text, bytes_of("Hello"));
  EXPECT_EQ(out, bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
  out.clear();
  append_frame(out, Opcode::text, bytes_of("Hello"), kMask);
  EXPECT_EQ(out, bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  out.clear();
  append_frame(out, Opcode::ping, bytes_of("Hello"));
  EXPECT_EQ(out, bytes({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}));
}

//= RFC6455 5.5.1 type=test
//= RFC6455 7.4.1 type=test
TEST(WebSocketFrame, OfACloseSaysACodeAndAReason) {
  Bytes out;
  append_close(out, CloseCode::going_away, "bye");
  EXPECT_EQ(out, bytes({0x88, 0x05, 0x03, 0xe9, 'b', 'y', 'e'}));
  out.clear();
  append_close(out, CloseCode::none, "bye");
  EXPECT_EQ(out, bytes({0x88, 0x00}));
  // A long reason is cut before a character that does not fit.
  for (const std::size_t before : {std::size_t{121}, std::size_t{122}}) {
    std::string reason(before, 'x');
    reason += "\xc3\xa9";
    out.clear();
    append_close(out, CloseCode::normal, reason);
    EXPECT_EQ(out.size(), 2U + 2 + (before == 121 ? kCloseReasonBytesMax : before));
  }
}

TEST(WebSocketFrame, SaysOnlyCodesThatMayBeSent) {
  for (const unsigned code : {1000U, 1001U, 1003U, 1007U, 1014U, 3000U, 4999U}) {
    EXPECT_TRUE(may_be_sent(static_cast<CloseCode>(code))) << code;
  }
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65'535U}) {
    EXPECT_FALSE(may_be_sent(static_cast<CloseCode>(code))) << code;
  }
}

TEST(WebSocketFrameDeathTest, OfControlIsShort) {
  Bytes out;
  EXPECT_DEATH(append_frame(out, Opcode::ping, Bytes(kControlBytesMax + 1)), "");
}

}  // namespace
}  // namespace holdfast::wire::websocket
