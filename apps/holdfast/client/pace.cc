#include "client/pace.h"

#include "base/units.h"
#include "rate.h"

namespace holdfast::app {

std::string check_rate(const std::string& text) { return parse_rate(text) ? "" : kRateForm; }

std::string check_duration(const std::string& text) {
  return base::parse_duration(text) ? "" : "must be like 30s, 10m or 1h30m";
}

void add_pace(CLI::App& command, Pace& pace) {
  command
      .add_option("--rate", pace.rate,
                  "close the live connections at this pace: 200/s (default: they end by themselves)")
      ->check(check_rate)
      ->type_name("RATE");
  command.add_option("--deadline", pace.deadline, "close what is left after this time: 10m (default: never)")
      ->check(check_duration)
      ->type_name("TIME");
}

void add_to(boost::json::object& body, const Pace& pace) {
  if (!pace.rate.empty()) body["rate"] = base::to_text(*parse_rate(pace.rate));
  if (!pace.deadline.empty()) body["deadline"] = pace.deadline;
}

}  // namespace holdfast::app
