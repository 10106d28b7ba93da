// load/report.h: what came of a run, for people and for programs.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "load/run.h"
#include "load/settings.h"

namespace holdfast::load {

[[nodiscard]] const char* name(Traffic traffic) noexcept;

// Aligned lines, the last one without a newline.
[[nodiscard]] std::string to_text(const Settings& settings, const Outcome& outcome);
// One JSON object in one line. Latencies are in microseconds, and only there when something was measured. "from" is
// when measuring began, in seconds of CLOCK_MONOTONIC, so that what others measured at the same time
// can be set against it.
[[nodiscard]] std::string to_json(const Settings& settings, const Outcome& outcome);
// One line about how it goes.
[[nodiscard]] std::string to_text(const Settings& settings, const Progress& progress);

}  // namespace holdfast::load
