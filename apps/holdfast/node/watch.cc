#include "node/watch.h"

#include "base/log.h"

namespace holdfast::app {

Watch::Watch(control::Runtime& runtime, std::function<admin::Scene()> scene, control::Events& events,
             control::Alarms& alarms)
    : scene_(std::move(scene)), events_(events), alarms_(alarms), ticker_(runtime, kPeriod, [this] { look(); }) {}

void Watch::after_command() {
  if (took_ < kTookLong) look();
}

void Watch::look() {
  const base::Time begun = base::Clock::now();
  admin::Scene now = scene_();
  const admin::Sight sight{now.gateway, base::log_lines_dropped(), events_.lost().value()};
  for (const admin::AlarmChange& change : judge_.look(sight, base::Clock::now())) tell(change);
  if (before_) {
    for (admin::Event& event : admin::events_between(*before_, now)) events_.publish(event.type, std::move(event.data));
  }
  before_ = std::move(now);
  took_ = base::Clock::now() - begun;
}

void Watch::tell(const admin::AlarmChange& change) {
  const bool raised = change.to == admin::AlarmChange::To::raised;
  base::log(raised ? base::LogLevel::warning : base::LogLevel::info, raised ? "alarm raised" : "alarm cleared",
            {{"alarm", change.name}, {"subject", change.subject}, {"why", change.why}});
  if (raised) {
    alarms_.raise(change.name, change.subject, change.why);
  } else {
    alarms_.clear(change.name, change.subject);
  }
}

}  // namespace holdfast::app
