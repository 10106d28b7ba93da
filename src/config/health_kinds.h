// config/health_kinds.h: the kinds of values that only [pool.health] has.
//
// Thread: as kind.h.
#pragma once

#include "config/kind.h"
#include "config/settings.h"

namespace holdfast::config {

// "200" or "200-399".
[[nodiscard]] Kind<StatusRange> status_range();
// "Name: value", on one line.
[[nodiscard]] Kind<HttpHeader> http_header();

}  // namespace holdfast::config
