// health/probe.h: asks a server once whether it works.
//
// Thread: control; tasks as control/task.h says. Cost: one connection and one timer while it lasts.
// Limits: the whole probe, connect included, ends at `timeout` of the settings (only time in which the control thread
//         stood still, more than 50 ms, is granted once more); at most 64 KiB of an answer are kept, 16 KiB of an HTTP
//         header, 1 KiB of an agent's line.
// Errors: none but those of the outcome. A job that is cancelled ends the probe at its wait and closes the connection.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/endpoint.h"
#include "config/settings.h"
#include "control/task.h"
#include "health/agent_reply.h"

namespace holdfast::health {

// Whom to ask.
struct Target {
  base::Endpoint server;  // an address or a unix path, not a host name; settings may say to ask elsewhere
  std::string preamble;   // sent first on each connection, such as a PROXY header; an agent does not get it
};

struct Outcome {
  bool passed = false;
  // False: it could not be asked, because this process lacks descriptors, ports or memory, or knows no address or port
  // of it. Says nothing of the server; counts as not passed.
  bool asked = true;
  // "connected", "status 200", "all 4 steps done", "agent says up 75%", or why not: "connection refused", "timeout
  // after 2s in step 3", "status 503", "closed in step 1", "expected text not found in 64 KiB in step 2". For logs and
  // status pages.
  std::string reason;
  std::chrono::microseconds took{};
  std::optional<AgentReply> agent;  // of an agent that answered
};

// By `type` of the settings: tcp, http, script or agent. Asked is the server, at settings' `address` and `port` where
// these are given; `port` of a server with a unix path is asked at 127.0.0.1.
[[nodiscard]] control::Task<Outcome> probe(std::shared_ptr<const config::Health> settings, Target target);

// The agent beside the check: at `agent_port`, at `agent_address` or else the server's (127.0.0.1 for a unix path).
// Not passed: it did not answer, or says down, stopped or fail. HAProxy wants its line to end with CR or LF; here the
// agent may also close in its place.
[[nodiscard]] control::Task<Outcome> ask_agent(std::shared_ptr<const config::Health> settings, Target target);

}  // namespace holdfast::health
