// gateway/status.h: what the gateway tells of itself, as plain values. Everything that shows the gateway reads this.
//
// Thread: made on control from counters that workers write; each number is whole, all together are of about one
//         instant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::gateway {

// How far a drain is: of a server, a listener or the node.
struct DrainStatus {
  double rate = 0;                              // connections closed a second; 0: they end by themselves
  std::optional<double> deadline_seconds_left;  // none: there is none
  std::uint64_t remaining = 0;                  // connections
  std::uint64_t closed = 0;                     // that have ended since it began, however they did
};

// A key of a server that is not as the file says, because of a command.
struct Difference {
  std::string key;  // of the file, or "state", "added", "removed"
  std::string file;
  std::string now;
  friend bool operator==(const Difference&, const Difference&) = default;
};

struct ListenerStatus {
  std::string name;
  std::string state;                   // accepting, draining (by command), leaving (no longer configured)
  std::string pool;                    // where its new connections go
  std::vector<std::string> addresses;  // as bound: a port 0 has become a real one
  std::uint32_t max_connections = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::map<std::string, std::uint64_t> closed;   // by reason
  std::map<std::string, std::uint64_t> refused;  // by reason
  std::uint64_t without_room = 0;                // clients let in uncounted because a table per address was full
  std::uint64_t bytes_to_server = 0;
  std::uint64_t bytes_to_client = 0;
  std::vector<std::uint64_t> connect_buckets;  // as ConnectHistogram has them
  double connect_seconds_sum = 0;
  std::optional<DrainStatus> draining;  // while its connections are meant to end, by command
};

struct SourceStatus {
  std::string address;  // empty: the kernel chooses
  std::uint64_t ports = 0;
};

struct ServerStatus {
  std::string pool;
  std::string name;
  std::string address;
  std::string state;    // UP, UP 2/3, DOWN, DOWN 1/2, DRAIN, MAINT
  std::string cause;    // why it is in that state; empty when there is nothing to say
  std::string mode;     // ready, drain or maint: what somebody wants of it
  std::string mode_by;  // agent or operator; empty while it is ready
  std::string origin;   // file, discovery or runtime (a command)
  bool up = false;      // takes new connections
  bool backup = false;
  bool leaving = false;  // no longer on the list; it goes when its last connection has ended
  bool held = false;     // its probes fail, but panic keeps it in service
  bool ejected = false;
  double state_seconds = 0;       // since it began, or ceased, to take connections
  double last_check_seconds = 0;  // since the last probe; below 0: there was none
  double check_took_seconds = 0;
  std::string last_check;        // what it saw
  std::uint32_t weight = 0;      // as configured
  std::uint32_t weight_now = 0;  // with slow start, agent and state
  std::size_t addresses = 0;     // that the address has resolved to; 0: none yet
  std::string agent_error;       // why the agent beside the check was not heard the last time; empty when it was
  std::uint32_t max_connections = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t ejections_total = 0;
  std::uint64_t connect_failures_total = 0;
  std::uint64_t early_closes_total = 0;
  std::uint64_t ports_short_total = 0;
  double connect_seconds_sum = 0;  // from accept to established, of all connections_total
  std::vector<SourceStatus> sources;
  std::optional<DrainStatus> draining;  // while its connections are meant to end
  std::vector<Difference> differs;      // what commands have changed
};

// Where a pool's list of servers comes from, when it changes by itself.
struct DiscoveryStatus {
  std::string source;
  std::string version;
  std::string error;           // why the newest state is not in use; empty when it is
  std::string alarm;           // none unreadable empty shrink
  double age_seconds = 0;      // since the version in use came into use; below 0: never
  double checked_seconds = 0;  // since the last good look; below 0: never
  bool from_disk_copy = false;
  std::uint64_t changes_total = 0;
  std::uint64_t errors_total = 0;
};

struct PoolStatus {
  std::string name;
  std::string policy;
  bool leaving = false;  // no longer in the file; it goes when its last connection has ended
  std::uint64_t connections = 0;
  std::uint64_t waiting = 0;
  bool panic = false;
  std::uint64_t probes_total = 0;
  std::uint64_t probe_failures_total = 0;
  std::vector<std::uint64_t> probe_buckets;  // as health::ProbeHistogram has them; empty: no checks are made
  double probe_seconds_sum = 0;
  std::optional<DiscoveryStatus> discovery;
  std::vector<ServerStatus> servers;
};

struct WorkerStatus {
  std::uint64_t connections = 0;  // that live on it
  std::uint64_t turns = 0;
  std::uint64_t events = 0;
  bool accept_paused = false;
  std::uint64_t accept_pauses = 0;
  std::uint64_t relay_memory_bytes = 0;
  std::uint64_t buffer_memory_bytes = 0;
  double lag_seconds = 0;                   // the longest turn of its loop in the last 10 to 20 s
  std::vector<std::uint64_t> turn_buckets;  // turns by their length, as net::TurnLengths has them
  double turn_seconds_sum = 0;
};

struct Status {
  std::vector<ListenerStatus> listeners;
  std::vector<PoolStatus> pools;
  std::vector<WorkerStatus> workers;
  std::uint32_t max_connections = 0;  // of the process
  std::uint32_t local_ports = 0;      // that one source address has towards one server
  std::int64_t descriptors_free = 0;
  std::uint64_t notices_dropped = 0;    // connection log lines that did not fit the mailbox
  std::uint64_t notices_waiting = 0;    // in the mailbox, for control to take them
  std::uint64_t notices_room = 0;       // how many it holds
  std::optional<DrainStatus> draining;  // while the node is drained, or stops
};

}  // namespace holdfast::gateway
