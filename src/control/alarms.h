// control/alarms.h: what an operator should look at, while it lasts and for a while after.
//
// An alarm is a name (one of few: "pool_in_panic") and a subject (what has it: a pool's name; "" is the process).
//
// Thread: the control thread.
// Limits: kAlarmsActiveMax at once, one more is not taken and counted; the last kAlarmsClearedMax that are over are
//         kept.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/events.h"
#include "control/wall_time.h"

namespace holdfast::control {

inline constexpr std::size_t kAlarmsActiveMax = 1'000;
inline constexpr std::size_t kAlarmsClearedMax = 100;

struct Alarm {
  std::string name;
  std::string subject;
  std::string why;
  WallTime since;
  std::optional<WallTime> cleared_at{};  // none: it is active
};

class Alarms {
 public:
  using Clock = std::function<WallTime()>;
  explicit Alarms(Events& events, Clock clock = &std::chrono::system_clock::now);

  // Publishes an event "alarm" with phase "raised". One that is active keeps its time and gets the new `why`, silently.
  void raise(std::string_view name, std::string_view subject, std::string why);
  // Publishes phase "cleared". No-op when it is not active.
  void clear(std::string_view name, std::string_view subject);

  [[nodiscard]] const std::vector<Alarm>& active() const noexcept { return active_; }   // oldest first
  [[nodiscard]] const std::deque<Alarm>& cleared() const noexcept { return cleared_; }  // the last one first
  [[nodiscard]] std::uint64_t not_taken() const noexcept { return not_taken_; }

  // {"active":[...],"cleared":[...]}: the answer to GET /v1/alarms.
  [[nodiscard]] boost::json::object to_json() const;
  // One of them. age_seconds is how long it has lasted, or did.
  [[nodiscard]] boost::json::object to_json(const Alarm& alarm) const;

 private:
  [[nodiscard]] std::vector<Alarm>::iterator find(std::string_view name, std::string_view subject);
  void publish(const Alarm& alarm, std::string_view phase);

  Events& events_;
  Clock clock_;
  std::vector<Alarm> active_;
  std::deque<Alarm> cleared_;
  std::uint64_t not_taken_ = 0;
};

}  // namespace holdfast::control
