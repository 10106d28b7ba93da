// control/readiness.h: what the service manager is told (systemd, Type=notify).
//
// Thread: any. Cost: one datagram. Without NOTIFY_SOCKET in the environment nothing happens; errors are ignored, since
// nobody could act on them. Source: sd_notify(3).
#pragma once

#include <string_view>

namespace holdfast::control {

void notify_ready();      // every listener listens
void notify_reloading();  // notify_ready() follows when it is over
void notify_stopping();   // the end has begun
// One line for people, shown by "systemctl status"; control characters become spaces.
void notify_status(std::string_view line);

}  // namespace holdfast::control
