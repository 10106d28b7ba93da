// apps/holdfast/node/faces.h: what the admin API asks and tells (admin/faces.h), over the parts of a node.
//
// Thread: control. The parts outlive the servers that the faces are given to.
#pragma once

#include <functional>

#include "admin/faces.h"
#include "broker/broker.h"
#include "control/alarms.h"
#include "control/events.h"
#include "gateway/gateway.h"
#include "node/admin_servers.h"
#include "node/drains.h"
#include "node/reload.h"

namespace holdfast::app {

struct NodeParts {
  gateway::Gateway& gateway;
  Drains& drains;
  Reload& reload;
  control::Events& events;
  control::Alarms& alarms;
  AdminServers& servers;
  broker::Broker* broker;  // null: there is none
  std::function<admin::NodeInfo()> info;
  std::function<void()> after_command;
};

// change_server, add_server, remove_server, runtime_differences. `pools`: the settings that run, for pool.on_remove.
void add_server_faces(admin::Faces& faces, gateway::Directory& directory,
                      std::function<const std::vector<config::Pool>&()> pools);
// All of them, the above included.
[[nodiscard]] admin::Faces faces_of(const NodeParts& parts);

}  // namespace holdfast::app
