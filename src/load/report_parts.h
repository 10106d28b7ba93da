// load/report_parts.h: what the reports of all traffics have in common. Not for other rooms.
//
// Thread: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/time.h"
#include "load/histogram.h"
#include "load/settings.h"

namespace holdfast::load {

using Failures = std::array<std::uint64_t, kFailures>;

[[nodiscard]] double in_seconds(base::Duration duration);
// As a JSON string. Unix paths may hold quotes; nothing else that is written so can.
[[nodiscard]] std::string quoted(const std::string& text);

[[nodiscard]] std::string latency_text(const Histogram& latency);
[[nodiscard]] std::string latency_json(const Histogram& latency);
[[nodiscard]] std::string failures_text(const Failures& failures);
[[nodiscard]] std::string failures_json(const Failures& failures);

}  // namespace holdfast::load
