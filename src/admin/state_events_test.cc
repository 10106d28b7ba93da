#include "admin/state_events.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>

namespace holdfast::admin {
namespace {

Scene quiet() {
  Scene scene;
  scene.gateway.listeners.push_back({.name = "l", .addresses = {"127.0.0.1:1"}});
  scene.gateway.pools.push_back({.name = "p"});
  scene.gateway.pools[0].servers.push_back({.pool = "p", .name = "s", .address = "10.0.0.1:1", .state = "UP"});
  return scene;
}

gateway::ListenerStatus& listener(Scene& scene) { return scene.gateway.listeners[0]; }
gateway::ServerStatus& server(Scene& scene) { return scene.gateway.pools[0].servers[0]; }

std::string text_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) text += event.type + " " + boost::json::serialize(event.data) + "\n";
  return text;
}

using Change = std::function<void(Scene&)>;
void same(Scene&) {}

TEST(EventsBetween, FollowsTheTable) {
  struct Case {
    const char* name;
    Change before;
    Change now;
    std::string want;
  };
  const gateway::DrainStatus half{.rate = 20, .deadline_seconds_left = 60, .remaining = 5, .closed = 5};
  const gateway::DrainStatus most{.rate = 20, .deadline_seconds_left = 59, .remaining = 1, .closed = 9};
  const Case cases[] = {
      {"nothing has changed", same, same, ""},
      {"a server goes down", same,
       [](Scene& s) {
         server(s).state = "DOWN";
         server(s).cause = "connection refused";
         server(s).connections = 3;
       },
       "server_state {\"pool\":\"p\",\"server\":\"s\",\"from\":\"UP\",\"to\":\"DOWN\",\"cause\":\"connection refused\","
       "\"connections\":3}\n"},
      {"how far checks have come is no event", same, [](Scene& s) { server(s).state = "UP 2/3"; }, ""},
      {"a server is added", [](Scene& s) { s.gateway.pools[0].servers.clear(); },
       [](Scene& s) { server(s).origin = "runtime"; },
       "server_added {\"pool\":\"p\",\"server\":\"s\",\"address\":\"10.0.0.1:1\",\"origin\":\"runtime\"}\n"},
      {"a server has gone", same, [](Scene& s) { s.gateway.pools.clear(); },
       "server_removed {\"pool\":\"p\",\"server\":\"s\",\"address\":\"10.0.0.1:1\"}\n"},
      {"a weight, by command", [](Scene& s) { server(s).weight = 100; }, [](Scene& s) { server(s).weight = 50; },
       "server_changed {\"pool\":\"p\",\"server\":\"s\",\"key\":\"weight\",\"from\":100,\"to\":50}\n"},
      {"a mode", [](Scene& s) { server(s).mode = "ready"; }, [](Scene& s) { server(s).mode = "maint"; },
       "server_changed {\"pool\":\"p\",\"server\":\"s\",\"key\":\"mode\",\"from\":\"ready\",\"to\":\"maint\"}\n"},
      {"an address", same, [](Scene& s) { server(s).address = "10.0.0.2:1"; },
       "server_changed "
       "{\"pool\":\"p\",\"server\":\"s\",\"key\":\"address\",\"from\":\"10.0.0.1:1\",\"to\":\"10.0.0.2:1\"}"
       "\n"},
      {"it becomes a backup", same, [](Scene& s) { server(s).backup = true; },
       "server_changed {\"pool\":\"p\",\"server\":\"s\",\"key\":\"backup\",\"from\":false,\"to\":true}\n"},
      {"it is being removed", same, [](Scene& s) { server(s).leaving = true; },
       "server_changed {\"pool\":\"p\",\"server\":\"s\",\"key\":\"leaving\",\"from\":false,\"to\":true}\n"},
      {"its limit", same, [](Scene& s) { server(s).max_connections = 9; },
       "server_changed {\"pool\":\"p\",\"server\":\"s\",\"key\":\"max_connections\",\"from\":0,\"to\":9}\n"},
      {"a slow start is no event", same, [](Scene& s) { server(s).weight_now = 5; }, ""},
      {"a drain begins", same, [&](Scene& s) { server(s).draining = half; },
       "drain {\"pool\":\"p\",\"server\":\"s\",\"subject\":\"server\",\"phase\":\"started\",\"rate\":\"20/s\","
       "\"deadline_seconds_left\":6E1,\"remaining\":5,\"closed\":5}\n"},
      {"a drain goes on", [&](Scene& s) { server(s).draining = half; }, [&](Scene& s) { server(s).draining = most; },
       "drain {\"pool\":\"p\",\"server\":\"s\",\"subject\":\"server\",\"phase\":\"progress\",\"rate\":\"20/s\","
       "\"deadline_seconds_left\":5.9E1,\"remaining\":1,\"closed\":9}\n"},
      {"a drain in which nobody has gone meanwhile", [&](Scene& s) { server(s).draining = half; },
       [&](Scene& s) {
         server(s).draining = half;
         server(s).draining->deadline_seconds_left = 1;
       },
       ""},
      {"a drain ends", [&](Scene& s) { listener(s).draining = most; }, same,
       "drain {\"listener\":\"l\",\"subject\":\"listener\",\"phase\":\"ended\",\"rate\":\"20/s\","
       "\"deadline_seconds_left\":5.9E1,\"remaining\":1,\"closed\":9}\n"},
      {"the node is drained, without rate and deadline", same,
       [](Scene& s) { s.drain = NodeDrain{.progress = {.remaining = 7}}; },
       "drain {\"subject\":\"node\",\"phase\":\"started\",\"rate\":null,\"deadline_seconds_left\":null,"
       "\"remaining\":7,\"closed\":0}\n"},
      {"a listener is added", [](Scene& s) { s.gateway.listeners.clear(); }, same,
       "listener {\"listener\":\"l\",\"phase\":\"added\",\"addresses\":[\"127.0.0.1:1\"]}\n"},
      {"a listener has gone", same, [](Scene& s) { s.gateway.listeners.clear(); },
       "listener {\"listener\":\"l\",\"phase\":\"removed\",\"addresses\":[\"127.0.0.1:1\"]}\n"},
      {"a listener is empty", [](Scene& s) { listener(s).state = "draining", listener(s).connections = 1; },
       [](Scene& s) { listener(s).state = "draining", listener(s).addresses.clear(); },
       "listener {\"listener\":\"l\",\"phase\":\"drained\",\"addresses\":[]}\n"},
      {"it was empty before", [](Scene& s) { listener(s).state = "draining", listener(s).addresses.clear(); },
       [](Scene& s) { listener(s).state = "draining", listener(s).addresses.clear(); }, ""},
      {"it is empty, but accepts while /readyz says no", same, [](Scene& s) { listener(s).state = "draining"; }, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Scene before = quiet();
    Scene now = quiet();
    c.before(before);
    c.now(now);
    EXPECT_EQ(text_of(events_between(before, now)), c.want);
  }
}

TEST(EventsBetween, WhatCheckersSayIsMadeUtf8) {
  Scene before = quiet();
  Scene now = quiet();
  server(now).state = "DOWN";
  server(now).cause = "\xff";
  const auto events = events_between(before, now);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data.at("cause").as_string(), "?");
}

}  // namespace
}  // namespace holdfast::admin
