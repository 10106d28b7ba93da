#include "control/alarms.h"

#include <algorithm>
#include <boost/json.hpp>

namespace holdfast::control {

Alarms::Alarms(Events& events, Clock clock) : events_(events), clock_(std::move(clock)) {}

void Alarms::raise(std::string_view name, std::string_view subject, std::string why) {
  if (const auto known = find(name, subject); known != active_.end()) {
    known->why = std::move(why);
    return;
  }
  if (active_.size() >= kAlarmsActiveMax) {
    ++not_taken_;
    return;
  }
  active_.push_back({std::string(name), std::string(subject), std::move(why), clock_()});
  publish(active_.back(), "raised");
}

void Alarms::clear(std::string_view name, std::string_view subject) {
  const auto known = find(name, subject);
  if (known == active_.end()) return;
  cleared_.push_front(std::move(*known));
  active_.erase(known);
  cleared_.front().cleared_at = clock_();
  if (cleared_.size() > kAlarmsClearedMax) cleared_.pop_back();
  publish(cleared_.front(), "cleared");
}

boost::json::object Alarms::to_json() const {
  boost::json::array active;
  boost::json::array cleared;
  for (const Alarm& alarm : active_) active.push_back(to_json(alarm));
  for (const Alarm& alarm : cleared_) cleared.push_back(to_json(alarm));
  return {{"active", std::move(active)}, {"cleared", std::move(cleared)}};
}

boost::json::object Alarms::to_json(const Alarm& alarm) const {
  const auto age = std::chrono::duration<double>(alarm.cleared_at.value_or(clock_()) - alarm.since);
  boost::json::object json{{"name", alarm.name},
                           {"subject", alarm.subject},
                           {"since", to_rfc3339(alarm.since)},
                           {"age_seconds", std::max(0.0, age.count())},
                           {"why", alarm.why}};
  if (alarm.cleared_at) json["cleared_at"] = to_rfc3339(*alarm.cleared_at);
  return json;
}

std::vector<Alarm>::iterator Alarms::find(std::string_view name, std::string_view subject) {
  return std::ranges::find_if(active_, [&](const Alarm& a) { return a.name == name && a.subject == subject; });
}

void Alarms::publish(const Alarm& alarm, std::string_view phase) {
  boost::json::object data = to_json(alarm);
  data["phase"] = phase;
  events_.publish("alarm", std::move(data));
}

}  // namespace holdfast::control
