#include "load/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "load/report_parts.h"

namespace holdfast::load {
namespace {

double gigabits(double bytes) { return bytes * 8 / 1e9; }

const char* noun(Traffic traffic) { return traffic == Traffic::connect ? "connections" : "round trips"; }

}  // namespace

const char* name(Traffic traffic) noexcept {
  switch (traffic) {
    case Traffic::echo: return "echo";
    case Traffic::bulk: return "bulk";
    case Traffic::connect: return "connect";
    case Traffic::hold: break;
  }
  return "hold";
}

std::string to_text(const Settings& settings, const Outcome& outcome) {
  std::string text;
  const auto line = [&](std::string_view label, const std::string& value) {
    text += fmt::format("{}{:<12} {}", text.empty() ? "" : "\n", label, value);
  };
  line(name(settings.traffic),
       fmt::format("{}, {} connections, {} thread{}, {:.1f} s measured", settings.target.text(), settings.connections,
                   settings.threads, settings.threads == 1 ? "" : "s", in_seconds(outcome.measured)));
  if (settings.traffic == Traffic::bulk) {
    line("throughput", fmt::format("{:.2f} Gbit/s {}", gigabits(outcome.per_second(outcome.bytes)),
                                   settings.direction == Direction::up ? "up" : "down"));
  } else if (settings.traffic != Traffic::hold || outcome.operations > 0) {
    line(noun(settings.traffic),
         fmt::format("{}, {:.0f}/s", outcome.operations, outcome.per_second(outcome.operations)));
  }
  if (outcome.latency.count() > 0) line("latency", latency_text(outcome.latency));
  if (settings.traffic == Traffic::hold) line("held", fmt::format("{}, {} lost", outcome.held, outcome.lost));
  line("errors", failures_text(outcome.failures));
  return text;
}

std::string to_json(const Settings& settings, const Outcome& outcome) {
  std::string json = fmt::format(
      "{{\"traffic\":\"{}\",\"target\":{},\"connections\":{},\"threads\":{},\"seconds\":{:.6f}", name(settings.traffic),
      quoted(settings.target.text()), settings.connections, settings.threads, in_seconds(outcome.measured));
  json += fmt::format(",\"from\":{:.6f}", in_seconds(outcome.from.time_since_epoch()));
  json += fmt::format(",\"opened\":{},\"operations\":{},\"per_second\":{:.2f}", outcome.opened, outcome.operations,
                      outcome.per_second(outcome.operations));
  if (settings.traffic == Traffic::bulk) {
    json += fmt::format(",\"bytes\":{},\"gbit_per_second\":{:.4f}", outcome.bytes,
                        gigabits(outcome.per_second(outcome.bytes)));
  }
  if (settings.traffic == Traffic::hold) json += fmt::format(",\"held\":{},\"lost\":{}", outcome.held, outcome.lost);
  if (outcome.latency.count() > 0) json += ",\"latency_us\":" + latency_json(outcome.latency);
  return json + ",\"errors\":" + failures_json(outcome.failures) + "}";
}

std::string to_text(const Settings& settings, const Progress& progress) {
  const double rate = static_cast<double>(progress.done) / std::max(in_seconds(progress.done_in), 1e-9);
  const std::string done = settings.traffic == Traffic::bulk ? fmt::format("{:.2f} Gbit/s", gigabits(rate))
                                                             : fmt::format("{:.0f} {}/s", rate, noun(settings.traffic));
  return fmt::format("{:5.0f} s  {}  {} open  {} errors", in_seconds(progress.elapsed), done, progress.open,
                     progress.failed);
}

}  // namespace holdfast::load
