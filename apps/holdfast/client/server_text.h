// apps/holdfast/client/server_text.h: how the state of a server is shown, in `servers` and in `top`.
//
// Thread: pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "client/table.h"

namespace holdfast::app {

// "UP", "DOWN 1/2", "DRAIN", with its colour.
[[nodiscard]] Cell server_state(const boost::json::value& server);
// Why it is so, and what else an operator should know: its drain, who set the mode, what differs from the file.
[[nodiscard]] std::string server_remarks(const boost::json::value& server);
// "412" or "412/1000".
[[nodiscard]] std::string server_connections(const boost::json::value& server);
// "412 left, 88 closed, at 200/s, 9m12s left"; empty when nothing drains. `of` has the member `drain`.
[[nodiscard]] std::string drain_progress(const boost::json::value& of);

}  // namespace holdfast::app
