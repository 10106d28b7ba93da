// control/readiness.h: what the service manager is told (systemd, Type=notify).
//
// Thread: any. Cost: one datagram. Without NOTIFY_SOCKET in the environment nothing happens; errors are ignored, since
// nobody could act on them. Source: sd_notify(3).
#pragma once

namespace holdfast::control {

void notify_ready();      // every listener listens
void notify_reloading();  // notify_ready() follows when it is over
void notify_stopping();   // the end has begun

}  // namespace holdfast::control
