// config/broker_references.h: what the keys of [broker] and [auth] say about each other.
//
// Thread: pure.
#pragma once

#include "config/document.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

// Adds faults for what would do nothing or cannot be: a path without WebSocket, a `$2` of one wildcard, sections of a
// broker that has no listener, a name that a listener of the gateway has. `root` is the file that `settings` come from.
void check_broker(const Settings& settings, const Value& root, Faults& faults);

// Whether a file that has no listener may have meant one: there is a section of a name that is not known, or listeners
// that have faults.
[[nodiscard]] bool may_mean_a_listener(const Value& root);

}  // namespace holdfast::config
