// broker/core/presence.h: the messages that tell who comes and goes, as EMQ writes them.
#pragma once

#include <string>

#include "broker/core/client.h"
#include "broker/core/end_reason.h"
#include "broker/core/session.h"

namespace holdfast::broker {

// JSON: clientid, username, ipaddress; and proto_ver and session_expiry (seconds) of one that comes, reason of one that
// goes.
[[nodiscard]] std::string presence_text(const Session& session, const Client& client, EndReason reason);

}  // namespace holdfast::broker
