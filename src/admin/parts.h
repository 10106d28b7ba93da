// admin/parts.h: the routes by what they are about. Only routes.cc and the files of the routes include this.
//
// Thread: as routes.h. The faces are shared because a handler that waits may outlive the router.
#pragma once

#include <memory>

#include "admin/api.h"
#include "admin/faces.h"

namespace holdfast::admin {

using FacesPtr = std::shared_ptr<const Faces>;

void add_node_routes(Api& api, const FacesPtr& faces);
void add_reload_routes(Api& api, const FacesPtr& faces);
void add_listener_routes(Api& api, const FacesPtr& faces);
void add_pool_routes(Api& api, const FacesPtr& faces);
void add_server_routes(Api& api, const FacesPtr& faces);
void add_connection_routes(Api& api, const FacesPtr& faces);

}  // namespace holdfast::admin
