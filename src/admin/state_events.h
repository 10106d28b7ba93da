// admin/state_events.h: what has happened, from what is seen of the process now and a moment ago: so no other room has
// to know of events.
//
// | type             | members of data beside those that name it                                                    |
// |------------------|----------------------------------------------------------------------------------------------|
// | `server_state`   | pool, server: from, to, cause, connections                                                    |
// | `server_added`   | pool, server: address, origin                                                                 |
// | `server_removed` | pool, server: address                                                                         |
// | `server_changed` | pool, server: key, from, to                                                                   |
// | `listener`       | listener: phase (added, removed, drained), addresses                                          |
// | `drain`          | subject ("node", "listener", "server"), listener or pool and server: phase (started, progress, |
// |                  | ended), rate, deadline_seconds_left, remaining, closed                                        |
//
// Thread: pure. Cost: n log n over listeners and servers. What comes and goes between two looks is not seen.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/faces.h"
#include "gateway/status.h"

namespace holdfast::admin {

struct Event {
  std::string type;
  boost::json::object data;
};

struct Scene {
  gateway::Status gateway;
  std::optional<NodeDrain> drain;  // of the node
};

[[nodiscard]] std::vector<Event> events_between(const Scene& before, const Scene& now);

}  // namespace holdfast::admin
