// broker/metrics.h: the broker's status as Prometheus metrics. The names are listed in docs/METRICS.md.
#pragma once

#include "broker/status.h"
#include "control/metrics_page.h"

namespace holdfast::broker {

// Thread: control.
void add_metrics(control::MetricsPage& page, const Status& status);

}  // namespace holdfast::broker
