// Any bytes as a request and as an answer: what is whole stays whole whatever follows, what is refused stays refused,
// and an answer to what was read is one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "wire/websocket/handshake.h"

namespace {

using namespace holdfast::wire::websocket;
using Input = std::span<const std::byte>;

constexpr Opening kOpening{"broker:8083", "/mqtt", "mqtt"};
constexpr Nonce kNonce{std::byte{1}};

void demand(bool holds) {
  if (!holds) std::abort();
}

// From memory that ends where the input ends.
template <typename Read>
auto read_copy(Input input, std::vector<std::byte>& copy, const Read& read) {
  copy.assign(input.begin(), input.end());
  copy.shrink_to_fit();
  return read(Input(copy));
}

// Before it is whole or refused there is no other answer than `more`, and then no other than that.
template <typename Read>
void demand_stable(Input input, HandshakeStatus whole, std::size_t bytes, const Read& read) {
  std::vector<std::byte> copy;
  auto last = HandshakeStatus::more;
  const std::size_t step = input.size() > 600 ? 97 : 1;
  for (std::size_t cut = 0; cut < input.size(); cut += step) {
    const HandshakeStatus status = read_copy(input.first(cut), copy, read).status;
    demand(status == last || last == HandshakeStatus::more);
    demand(status != HandshakeStatus::whole || cut >= bytes);
    demand(status == HandshakeStatus::more || status == whole);
    last = status;
  }
}

bool is_within(std::string_view part, Input input) {
  const auto* begin = reinterpret_cast<const char*>(input.data());
  return part.empty() || (part.data() >= begin && part.data() + part.size() <= begin + input.size());
}

void demand_answered(const Request& request) {
  const std::string answer = accepting_response(request, "mqtt");
  const ResponseRead response = read_response(std::as_bytes(std::span(answer)), kOpening, kNonce);
  // It is another's key, unless the fuzzer has found ours.
  demand(response.http_status == 101 && (response.status == HandshakeStatus::refused || request.key == key_of(kNonce)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> copy;
  const auto request = [](Input bytes) { return read_request(bytes); };
  const RequestRead read = read_copy(input, copy, request);
  demand((read.status == HandshakeStatus::refused) == (read.refusal != nullptr));
  demand((read.status == HandshakeStatus::whole) == (read.bytes > 0) && read.bytes <= input.size());
  demand_stable(input, read.status, read.bytes, request);
  if (read.status == HandshakeStatus::refused) (void)refusing_response(read.refusal->status);
  if (read.status == HandshakeStatus::whole) {
    for (const std::string_view part : {read.request.path, read.request.query, read.request.host, read.request.origin,
                                        read.request.forwarded_for, read.request.key}) {
      demand(is_within(part, copy));
    }
    demand_answered(read.request);
  }
  const auto answer = [](Input bytes) { return read_response(bytes, kOpening, kNonce); };
  const ResponseRead response = read_copy(input, copy, answer);
  demand((response.status == HandshakeStatus::refused) != std::string_view(response.fault).empty());
  demand_stable(input, response.status, response.bytes, answer);
  return 0;
}
