// broker/core/presence.h: the hook that tells subscribers who comes and goes, as EMQ does, so that what listens to
// EMQ's events can listen to these.
//
// $SYS/brokers/NODE/clients/ID/connected    clientid, username, ipaddress, proto_ver, session_expiry (seconds)
// $SYS/brokers/NODE/clients/ID/disconnected clientid, username, ipaddress, reason
//
// JSON, QoS 0, not retained. Thread: the worker's. Cost: a look-up of the topic; the rest only where somebody wants it.
#pragma once

#include <string>

#include "broker/core/hooks.h"

namespace holdfast::broker {

// For ShardSettings::hooks.
[[nodiscard]] HooksMaker presence(std::string node_name);

}  // namespace holdfast::broker
