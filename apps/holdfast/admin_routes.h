// apps/holdfast/admin_routes.h: what the admin server answers: /healthz, /readyz, /metrics, /v1/pools.
//
// Thread: control.
#pragma once

#include <functional>
#include <string>

#include "control/http_server.h"
#include "control/router.h"
#include "gateway/status.h"

namespace holdfast::app {

enum class Phase : std::uint8_t { starting, serving, draining };

struct AdminSources {
  std::string node_name;
  std::function<gateway::Status()> status;
  std::function<Phase()> phase;
  std::function<const control::HttpCounters&()> http;  // of the admin server itself
};

[[nodiscard]] control::Router admin_routes(AdminSources sources);

}  // namespace holdfast::app
