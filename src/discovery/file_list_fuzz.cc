// Any JSON text yields a list or faults, never both or neither; faults can be printed and jumped to; a list can be kept
// on disk and comes back the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "discovery/last_good.h"
#include "discovery/server_list.h"

namespace {

using holdfast::config::Fault;
namespace discovery = holdfast::discovery;

void demand(bool holds) {
  if (!holds) std::abort();
}

bool is_one_line(const Fault& fault) {
  return !fault.text.empty() &&
         std::ranges::none_of(fault.text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = discovery::read_server_list(text, discovery::Format::json, "fuzz");
  demand(read.list.has_value() == read.faults.empty());
  demand(std::ranges::all_of(read.faults, is_one_line));
  if (!read.list || read.list->servers.empty()) {
    (void)discovery::parse_last_good(text, "fuzz");
    return 0;
  }
  const auto copy = discovery::parse_last_good(discovery::to_text({"file fuzz", *read.list, {}}), "copy");
  demand(copy.last_good.has_value());
  demand(copy.last_good->list.servers == read.list->servers);
  demand(copy.last_good->list.version == read.list->version);
  return 0;
}
