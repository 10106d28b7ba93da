// apps/holdfast/node/watch.h: looks at the process once a second, and tells events and alarms of what has changed.
//
// Thread: control. Cost: one status of the gateway a second. What it is given outlives it.
#pragma once

#include <functional>
#include <optional>

#include "admin/alarm_judge.h"
#include "admin/state_events.h"
#include "control/alarms.h"
#include "control/events.h"
#include "control/ticker.h"

namespace holdfast::app {

class Watch {
 public:
  static constexpr std::chrono::milliseconds kPeriod{1000};
  static constexpr std::chrono::milliseconds kTookLong{2};

  Watch(control::Runtime& runtime, std::function<admin::Scene()> scene, control::Events& events,
        control::Alarms& alarms);

  // Also in between.
  void look();
  // So that a command's events come at once, and none is missed that the next command undoes. Where a look takes long,
  // because there are thousands of servers, only the clock looks.
  void after_command();

 private:
  void tell(const admin::AlarmChange& change);

  std::function<admin::Scene()> scene_;
  control::Events& events_;
  control::Alarms& alarms_;
  admin::AlarmJudge judge_;
  std::optional<admin::Scene> before_;
  base::Duration took_{};
  control::Ticker ticker_;
};

}  // namespace holdfast::app
