#include "control/metrics.h"

#include <algorithm>
#include <map>

namespace holdfast::control {
namespace {

template <typename Number>
double sum(std::span<const HttpCounters* const> servers, const Number HttpCounters::*number) {
  double total = 0;
  for (const HttpCounters* counters : servers) total += static_cast<double>((counters->*number).value());
  return total;
}

}  // namespace

void add_http_metrics(MetricsPage& page, std::span<const HttpCounters* const> servers) {
  page.gauge("holdfast_admin_connections", "Connections of the admin server that live now.")
      .add({}, sum(servers, &HttpCounters::connections));
  page.counter("holdfast_admin_refused_total", "Admin connections beyond its limit, answered 503.")
      .add({}, sum(servers, &HttpCounters::refused));
  page.counter("holdfast_admin_requests_total", "Requests to the admin server.")
      .add({}, sum(servers, &HttpCounters::requests));
  page.counter("holdfast_admin_unauthorized_total", "Admin requests without the token, answered 401.")
      .add({}, sum(servers, &HttpCounters::unauthorized));
  page.counter("holdfast_admin_too_many_total", "Admin requests of a peer that asks too often, answered 429.")
      .add({}, sum(servers, &HttpCounters::too_many));
  page.gauge("holdfast_admin_streams", "Event streams that are listened to now.")
      .add({}, sum(servers, &HttpCounters::streams));
  page.counter("holdfast_admin_streams_refused_total", "Event streams beyond the limit, answered 503.")
      .add({}, sum(servers, &HttpCounters::streams_refused));
}

void add_event_metrics(MetricsPage& page, const Events& events) {
  page.counter("holdfast_events_total", "Events published.").add({}, static_cast<double>(events.published().value()));
  page.counter("holdfast_events_lost_total", "Events that a listener was too far behind to get.")
      .add({}, static_cast<double>(events.lost().value()));
}

void add_alarm_metrics(MetricsPage& page, const Alarms& alarms) {
  std::map<std::string_view, double> by_name;
  for (const Alarm& alarm : alarms.cleared()) by_name[alarm.name] += 0;
  for (const Alarm& alarm : alarms.active()) by_name[alarm.name] += 1;
  auto values = page.gauge("holdfast_alarms", "Alarms that are active, by name.");
  for (const auto& [name, count] : by_name) values.add({{"alarm", name}}, count);
  page.counter("holdfast_alarms_not_taken_total", "Alarms that were not taken, because there were too many.")
      .add({}, static_cast<double>(alarms.not_taken()));
}

}  // namespace holdfast::control
