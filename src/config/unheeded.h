// config/unheeded.h: keys that are written, but that nothing heeds, because what they belong to is not there.
//
// Thread: pure.
#pragma once

#include "config/document.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

// `written` is the text that the section was read from, for what was said and for the positions. A key beside one that
// is switched off in so many words (`proxy_protocol = "off"`, `queue = 0`) is no fault: it waits to be switched on.
void check_unheeded(const Entrance& entrance, const Value& written, Faults& faults);
void check_unheeded(const Listener& listener, const Value& written, Faults& faults);
void check_unheeded(const Pool& pool, const Value& written, Faults& faults);

}  // namespace holdfast::config
