// Any line yields words within their limits or none, and a reason that can be shown; the end of the line changes
// nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "health/agent_reply.h"

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace health = holdfast::health;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto reply = health::parse_agent_reply(line);
  const std::string_view first_line = line.substr(0, line.find_first_of("\r\n"));
  demand(reply == health::parse_agent_reply(std::string(first_line) + "\r\nmaint 7%"));
  if (!reply) return 0;
  demand(reply->weight_percent.value_or(0) <= 100'000);
  demand(reply->reason.size() <= 200 && holdfast::base::is_utf8(reply->reason));
  demand(std::ranges::none_of(reply->reason, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  return 0;
}
