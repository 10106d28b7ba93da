// load/mqtt/report.h: what came of a run of MQTT clients, for people and for programs.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "load/mqtt/run.h"
#include "load/mqtt/settings.h"

namespace holdfast::load {

// Aligned lines, the last one without a newline.
[[nodiscard]] std::string to_text(const MqttSettings& settings, const MqttOutcome& outcome);
// One JSON object in one line. "operations" are deliveries (of connect: clients) while it was measured; the counts
// under "messages" are of the whole run. The rest is as with the other traffics (load/report.h).
[[nodiscard]] std::string to_json(const MqttSettings& settings, const MqttOutcome& outcome);
[[nodiscard]] std::string to_text(const MqttSettings& settings, const Progress& progress);

}  // namespace holdfast::load
