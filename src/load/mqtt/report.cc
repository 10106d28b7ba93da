#include "load/mqtt/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "load/report_parts.h"

namespace holdfast::load {
namespace {

bool carries_messages(const MqttSettings& settings) {
  return settings.traffic != MqttTraffic::connect &&
         (settings.traffic != MqttTraffic::hold || settings.first_messages > 0);
}

const char* noun(const MqttSettings& settings) {
  return settings.traffic == MqttTraffic::connect ? "clients" : "deliveries";
}

int qos_of(const MqttSettings& settings) { return static_cast<int>(settings.qos); }

const char* version_of(const MqttSettings& settings) {
  switch (settings.version) {
    case wire::mqtt::Version::v31: return "3.1";
    case wire::mqtt::Version::v311: return "3.1.1";
    case wire::mqtt::Version::v5: break;
  }
  return "5";
}

}  // namespace

const char* name(MqttTraffic traffic) noexcept {
  switch (traffic) {
    case MqttTraffic::connect: return "connect";
    case MqttTraffic::pairs: return "pairs";
    case MqttTraffic::fanin: return "fanin";
    case MqttTraffic::fanout: return "fanout";
    case MqttTraffic::shared: return "shared";
    case MqttTraffic::hold: break;
  }
  return "hold";
}

std::string to_text(const MqttSettings& settings, const MqttOutcome& outcome) {
  const MqttTally& tally = outcome.tally;
  std::string text;
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("{}{:<12} {}", text.empty() ? "" : "\n", label, value);
  };
  const std::string qos = carries_messages(settings) ? fmt::format(", QoS {}", qos_of(settings)) : "";
  line(name(settings.traffic), fmt::format("{}, MQTT {}{}, {} clients, {:.1f} s measured", settings.target.text(),
                                           version_of(settings), qos, tally.opened, in_seconds(outcome.measured)));
  if (settings.traffic != MqttTraffic::hold) {
    line(noun(settings), fmt::format("{}, {:.0f}/s", tally.operations, outcome.per_second()));
  }
  if (tally.latency.count() > 0) line("latency", latency_text(tally.latency));
  if (carries_messages(settings)) {
    const std::string answered =
        settings.qos == wire::mqtt::Qos::at_most_once ? "" : fmt::format("{} acknowledged, ", tally.acknowledged);
    line("messages", fmt::format("{} sent, {}{} delivered in all", tally.sent, answered, tally.delivered));
  }
  if (carries_messages(settings) && settings.traffic != MqttTraffic::hold) {
    line("of them",
         fmt::format("{} lost, {} duplicated, {} out of order", tally.lost, tally.duplicated, tally.disordered));
  }
  if (tally.stalls > 0) line("stalls", fmt::format("{}", tally.stalls));
  if (settings.traffic == MqttTraffic::hold) {
    line("held", fmt::format("{}, {} lost", outcome.held, outcome.gone));
  }
  line("errors", failures_text(tally.failures));
  return text;
}

std::string to_json(const MqttSettings& settings, const MqttOutcome& outcome) {
  const MqttTally& tally = outcome.tally;
  std::string json =
      fmt::format("{{\"traffic\":\"mqtt {}\",\"target\":{},\"mqtt\":\"{}\",\"qos\":{},\"bytes\":{},\"seconds\":{:.6f}",
                  name(settings.traffic), quoted(settings.target.text()), version_of(settings), qos_of(settings),
                  settings.message_bytes, in_seconds(outcome.measured));
  json +=
      fmt::format(",\"from\":{:.6f},\"opened\":{},\"operations\":{},\"per_second\":{:.2f}",
                  in_seconds(outcome.from.time_since_epoch()), tally.opened, tally.operations, outcome.per_second());
  json += fmt::format(
      ",\"messages\":{{\"sent\":{},\"acknowledged\":{},\"refused\":{},\"delivered\":{},\"lost\":{},\"duplicated\":{},"
      "\"disordered\":{}}},\"stalls\":{}",
      tally.sent, tally.acknowledged, tally.refused, tally.delivered, tally.lost, tally.duplicated, tally.disordered,
      tally.stalls);
  if (settings.traffic == MqttTraffic::hold) {
    json += fmt::format(",\"held\":{},\"lost\":{}", outcome.held, outcome.gone);
  }
  if (tally.latency.count() > 0) json += ",\"latency_us\":" + latency_json(tally.latency);
  return json + ",\"errors\":" + failures_json(tally.failures) + "}";
}

std::string to_text(const MqttSettings& settings, const Progress& progress) {
  const double rate = static_cast<double>(progress.done) / std::max(in_seconds(progress.done_in), 1e-9);
  return fmt::format("{:5.0f} s  {:.0f} {}/s  {} open  {} errors", in_seconds(progress.elapsed), rate, noun(settings),
                     progress.open, progress.failed);
}

}  // namespace holdfast::load
