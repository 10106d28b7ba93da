// config/schema.h: every section and key there is. The one place from which parsing, defaults, faults and the
// reference (docs/CONFIGURATION.md) are derived.
//
// To add a key: a field in settings.h and a row in schema.cc. To add a section: a struct, a table, and a row for it.
//
// Thread: made at the first call, immutable afterwards.
#pragma once

#include "config/settings.h"
#include "config/tables.h"

namespace holdfast::config {

[[nodiscard]] const Kind<Settings>& schema();

}  // namespace holdfast::config
