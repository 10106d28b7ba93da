// admin/drain_request.h: how connections are to be closed, as a body says it: {"rate":"200/s","deadline":"10m"}.
//
// Thread: pure.
#pragma once

#include "admin/body.h"
#include "admin/faces.h"

namespace holdfast::admin {

// `body` knows the keys `rate` and `deadline`.
[[nodiscard]] DrainRequest read_drain(Body& body);

}  // namespace holdfast::admin
