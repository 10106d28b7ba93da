// admin/server_body.h: a server, or what is to change of one, as a body says it: the keys of [[pool.server]], with
// their ranges and faults, and the states of a command.
//
// Thread: pure.
#pragma once

#include "admin/body.h"
#include "admin/faces.h"
#include "control/or_problem.h"

namespace holdfast::admin {

// The body of POST /v1/pools/{pool}/servers.
[[nodiscard]] control::OrProblem<config::Server> read_new_server(const control::Request& request);
// The body of PATCH /v1/pools/{pool}/servers/{server}. One that changes nothing is a problem.
[[nodiscard]] control::OrProblem<gateway::ServerChange> read_server_patch(const control::Request& request);

}  // namespace holdfast::admin
