// admin/connection_query.h: which connections are asked for, from the parameters of GET /v1/connections.
//
// Thread: pure.
#pragma once

#include <initializer_list>

#include "admin/faces.h"
#include "control/or_problem.h"

namespace holdfast::admin {

inline constexpr std::initializer_list<const char*> kConnectionParameters = {
    "listener", "pool", "server", "client_id", "address", "min_age", "min_idle", "min_bytes", "sort", "limit", "after"};

// A problem, too, for a listener or pool that is not there: that nothing matches would say something else.
[[nodiscard]] control::OrProblem<entry::ConnectionQuery> read_connections_query(const control::Request& request,
                                                                                const Faces& faces);

}  // namespace holdfast::admin
