// admin/metrics.h: the page of /metrics.
//
// Thread: control. Cost: one status of the gateway, and a copy of every name and value.
#pragma once

#include "admin/faces.h"
#include "control/http_message.h"

namespace holdfast::admin {

[[nodiscard]] control::Response metrics(const Faces& faces);

}  // namespace holdfast::admin
