#include "admin/routes.h"

#include <cstdlib>

#include "admin/parts.h"

namespace holdfast::admin {

const char* name(Phase phase) noexcept {
  switch (phase) {
    case Phase::starting: return "starting";
    case Phase::serving: return "serving";
    case Phase::draining: return "draining";
    case Phase::drained: break;
  }
  return "drained";
}

control::Router routes(Faces faces) {
  if (!faces.node || !faces.status || !faces.http) std::abort();
  const FacesPtr shared = std::make_shared<const Faces>(std::move(faces));
  Api api;
  add_node_routes(api, shared);
  add_reload_routes(api, shared);
  add_listener_routes(api, shared);
  add_pool_routes(api, shared);
  add_server_routes(api, shared);
  add_connection_routes(api, shared);
  return api.take();
}

}  // namespace holdfast::admin
