// control/metrics.h: what this room counts, as Prometheus metrics. The names are listed in docs/METRICS.md.
//
// Thread: the control thread.
#pragma once

#include <span>

#include "control/alarms.h"
#include "control/events.h"
#include "control/http_server.h"
#include "control/metrics_page.h"

namespace holdfast::control {

// Of the admin API's servers together: the one on an address, and the one on the socket.
void add_http_metrics(MetricsPage& page, std::span<const HttpCounters* const> servers);
void add_event_metrics(MetricsPage& page, const Events& events);
// How many are active, by name; a name that has never been raised is not there.
void add_alarm_metrics(MetricsPage& page, const Alarms& alarms);

}  // namespace holdfast::control
