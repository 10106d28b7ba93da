// control/metrics_process.h: what the kernel says of this process, under the names that every Prometheus client library
// uses, so that dashboards made for others fit.
//
// Thread: any. Cost: three small files of /proc are read and one folder is listed, which takes about 1 ms for 10,000
//         descriptors.
// Source: prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics"; proc(5).
#pragma once

#include "control/metrics_page.h"

namespace holdfast::control {

// What cannot be read is left out.
void add_process_metrics(MetricsPage& page);

}  // namespace holdfast::control
