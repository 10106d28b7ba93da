// Any bytes as the frames of a connection: what is said does not depend on how they come, and the stream that comes out
// can be framed again. The first byte says who sends them, the second how long the pieces are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "wire/websocket/frame_reader.h"

namespace {

using namespace holdfast::wire::websocket;
using Input = std::span<const std::byte>;

void demand(bool holds) {
  if (!holds) std::abort();
}

// All that was said: the stream, and a record of the rest, in which the stream's length says where it stood.
struct Said {
  std::vector<std::byte> stream;
  std::vector<std::vector<std::byte>> others;
  std::vector<std::size_t> places;
  const FrameFault* fault = nullptr;
  bool operator==(const Said&) const = default;
};

void keep(Said& said, const FrameRead& read) {
  if (read.event == FrameEvent::data) {
    demand(!read.payload.empty());
    said.stream.insert(said.stream.end(), read.payload.begin(), read.payload.end());
    return;
  }
  demand(read.payload.size() <= kControlBytesMax);
  said.others.emplace_back(read.payload.begin(), read.payload.end());
  said.others.back().push_back(static_cast<std::byte>(read.event));
  said.places.push_back(said.stream.size());
  demand(said.fault == nullptr);
  said.fault = read.fault;
  demand((read.event == FrameEvent::fault) == (read.fault != nullptr));
  if (read.fault != nullptr) demand(may_be_sent(read.fault->code));
  if (read.event != FrameEvent::close) return;
  demand(read.code == CloseCode::none || may_be_sent(read.code));
  demand(holdfast::base::is_utf8({reinterpret_cast<const char*>(read.payload.data()), read.payload.size()}));
}

Said read_all(Sender sender, Input input, std::size_t piece) {
  FrameReader reader(sender);
  Said said;
  std::vector<std::byte> kept;
  while (!input.empty()) {
    const Input next = input.first(std::min(piece, input.size()));
    input = input.subspan(next.size());
    kept.insert(kept.end(), next.begin(), next.end());
    kept.shrink_to_fit();  // memory that ends where the input ends
    std::size_t taken = 0;
    for (auto event = FrameEvent::data; event != FrameEvent::more;) {
      const FrameRead read = reader.read(std::span(kept).subspan(taken));
      taken += read.bytes;
      demand(taken <= kept.size());
      event = read.event;
      if (event != FrameEvent::more) keep(said, read);
    }
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(taken));
    demand(kept.size() <= kFrameHeadBytesMax + kControlBytesMax);
  }
  return said;
}

void demand_framed_again(const Said& said) {
  std::vector<std::byte> frames;
  append_frame(frames, Opcode::binary, said.stream, Mask{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}});
  demand(read_all(Sender::client, frames, frames.size()).stream == said.stream);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Sender sender = (data[0] & 1) == 0 ? Sender::client : Sender::server;
  const std::size_t piece = 1 + data[1];
  const Input input = std::as_bytes(std::span(data, size)).subspan(2);
  const Said whole = read_all(sender, input, input.size());
  demand(read_all(sender, input, piece) == whole);
  demand_framed_again(whole);
  return 0;
}
