// Any text yields settings or faults, never both or neither, and faults that can be printed and jumped to. Settings are
// read back from what is written of them, and do not differ from themselves.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "config/difference.h"
#include "config/parse.h"
#include "config/schema.h"

namespace {

using holdfast::config::Fault;
using holdfast::config::Settings;

void demand(bool holds) {
  if (!holds) std::abort();
}

bool is_one_line(const Fault& fault) {
  return !fault.text.empty() &&
         std::ranges::none_of(fault.text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void demand_that_it_is_read_back(const Settings& settings) {
  holdfast::config::Faults faults;
  const auto written = holdfast::config::schema().write(settings);
  demand(holdfast::config::schema().read(*written, holdfast::config::Reading(faults)) == settings);
  demand(faults.empty() && holdfast::config::difference(settings, settings).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = holdfast::config::parse_text(text, "fuzz");
  demand(parsed.settings.has_value() == parsed.faults.empty());
  if (parsed.settings) demand_that_it_is_read_back(*parsed.settings);
  demand(std::ranges::all_of(parsed.faults, is_one_line));
  demand(std::ranges::all_of(parsed.faults, [](const Fault& fault) { return fault.line > 0 && fault.column > 0; }) ||
         parsed.faults.size() > holdfast::config::Faults::kMax);
  return 0;
}
