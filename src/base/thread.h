// base/thread.h: what every thread but the control thread does first.
#pragma once

namespace holdfast::base {

// Gives this thread a name (at most 15 characters, seen by top -H and gdb) and keeps signals away from it, so that they
// reach the control thread, which waits for them. Errors: none that anybody could act on.
void begin_thread(const char* name) noexcept;

}  // namespace holdfast::base
