// gateway/metrics.h: the gateway's status as Prometheus metrics. The names are listed in docs/METRICS.md.
#pragma once

#include "control/metrics_page.h"
#include "gateway/status.h"

namespace holdfast::gateway {

// Thread: control.
void add_metrics(control::MetricsPage& page, const Status& status);

}  // namespace holdfast::gateway
