#include "control/metrics.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include <boost/json.hpp>

namespace holdfast::control {
namespace {

bool has_line(const MetricsPage& page, const std::string& line) {
  return page.text().find("\n" + line + "\n") != std::string::npos;
}

TEST(ControlMetrics, SumTheServersOfTheApi) {
  HttpCounters on_address;
  HttpCounters on_socket;
  on_address.connections.add(3);
  on_address.unauthorized.add(2);
  on_address.too_many.add(4);
  on_socket.connections.add(1);
  on_socket.streams.add(5);
  MetricsPage page;
  add_http_metrics(page, std::array{&std::as_const(on_address), &std::as_const(on_socket)});
  EXPECT_TRUE(has_line(page, "holdfast_admin_connections 4"));
  EXPECT_TRUE(has_line(page, "holdfast_admin_unauthorized_total 2"));
  EXPECT_TRUE(has_line(page, "holdfast_admin_too_many_total 4"));
  EXPECT_TRUE(has_line(page, "holdfast_admin_streams 5"));
  EXPECT_TRUE(has_line(page, "holdfast_admin_refused_total 0"));
}

TEST(ControlMetrics, CountEventsAndAlarms) {
  Events events;
  Alarms alarms(events);
  alarms.raise("pool_in_panic", "a", "");
  alarms.raise("pool_in_panic", "b", "");
  alarms.raise("ports_short", "a", "");
  alarms.clear("ports_short", "a");
  MetricsPage page;
  add_event_metrics(page, events);
  add_alarm_metrics(page, alarms);
  EXPECT_TRUE(has_line(page, "holdfast_events_total 4"));
  EXPECT_TRUE(has_line(page, "holdfast_alarms{alarm=\"pool_in_panic\"} 2"));
  EXPECT_TRUE(has_line(page, "holdfast_alarms{alarm=\"ports_short\"} 0")) << "so that an alert on it ends";
  EXPECT_TRUE(has_line(page, "holdfast_alarms_not_taken_total 0"));
}

}  // namespace
}  // namespace holdfast::control
