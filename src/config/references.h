// config/references.h: what one section says about another: names that must be defined, places that only one may take.
//
// Thread: pure.
#pragma once

#include "config/document.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

// `root` is the text that `settings` was read from, for the positions. Whatever has a fault of its own is skipped.
void check_references(const Settings& settings, const Value& root, Faults& faults);

}  // namespace holdfast::config
