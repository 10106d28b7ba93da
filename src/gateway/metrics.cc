#include "gateway/metrics.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "gateway/counters.h"
#include "health/probe_histogram.h"
#include "net/turn_lengths.h"

namespace holdfast::gateway {
namespace {

using control::MetricLabels;
using control::MetricsPage;

double number(std::uint64_t value) { return static_cast<double>(value); }

// `buckets` has one more than there are bounds: what lies above all of them.
control::HistogramCounts histogram(std::span<const double> bounds, const std::vector<std::uint64_t>& buckets,
                                   double sum) {
  control::HistogramCounts counts;
  for (std::size_t i = 0; i < bounds.size(); ++i) counts.buckets.push_back({bounds[i], buckets.at(i)});
  counts.above = buckets.back();
  counts.sum = sum;
  return counts;
}

void add_listener(MetricsPage& page, const ListenerStatus& listener) {
  const MetricLabels labels = {{"listener", listener.name}};
  page.gauge("holdfast_connections", "Connections that live now.").add(labels, number(listener.connections));
  page.gauge("holdfast_connections_max", "How many connections a listener may have.")
      .add(labels, listener.max_connections);
  page.counter("holdfast_connections_total", "Connections accepted.").add(labels, number(listener.connections_total));
  auto closed = page.counter("holdfast_closed_total", "Accepted connections that have ended, by reason.");
  for (const auto& [reason, count] : listener.closed) {
    closed.add({{"listener", listener.name}, {"reason", reason}}, number(count));
  }
  auto refused = page.counter("holdfast_refused_total", "Connections closed unserved, by reason.");
  for (const auto& [reason, count] : listener.refused) {
    refused.add({{"listener", listener.name}, {"reason", reason}}, number(count));
  }
  page.counter("holdfast_address_table_full_total", "Clients let in uncounted because a table per address was full.")
      .add(labels, number(listener.without_room));
  page.counter("holdfast_relayed_bytes_total", "Bytes relayed, by the direction they went.")
      .add({{"listener", listener.name}, {"direction", "to_server"}}, number(listener.bytes_to_server))
      .add({{"listener", listener.name}, {"direction", "to_client"}}, number(listener.bytes_to_client));
  page.histogram("holdfast_connect_seconds", "From accepting a client to an established server connection.")
      .add(labels, histogram(ConnectHistogram::kBoundsSeconds, listener.connect_buckets, listener.connect_seconds_sum));
}

// One of the four is 1, so that a graph can stack them and an alert can name one.
void add_state(MetricsPage& page, const ServerStatus& server) {
  auto states = page.gauge("holdfast_server_state", "1 for the state that a server is in, 0 for the others.");
  const std::string now = server.state.substr(0, server.state.find(' '));  // without the checks of "UP 2/3"
  for (const std::string_view state : {"UP", "DOWN", "DRAIN", "MAINT"}) {
    states.add({{"pool", server.pool}, {"server", server.name}, {"state", state}}, now == state ? 1 : 0);
  }
}

void add_server(MetricsPage& page, const ServerStatus& server) {
  add_state(page, server);
  const MetricLabels labels = {{"pool", server.pool}, {"server", server.name}};
  page.gauge("holdfast_server_up", "1 while a server takes new connections.").add(labels, server.up ? 1 : 0);
  page.gauge("holdfast_server_connections", "Connections of a server, established or being made.")
      .add(labels, number(server.connections));
  page.gauge("holdfast_server_connections_max", "How many it may have, as configured or as its agent says; 0: any.")
      .add(labels, server.max_connections);
  page.counter("holdfast_server_connections_total", "Connections established to a server.")
      .add(labels, number(server.connections_total));
  page.counter("holdfast_server_connect_failures_total", "Attempts to connect to a server that failed.")
      .add(labels, number(server.connect_failures_total));
  page.counter("holdfast_server_early_closes_total",
               "Connections that a server closed early, without having sent a byte.")
      .add(labels, number(server.early_closes_total));
  page.gauge("holdfast_server_ejected", "1 while a server is ejected because clients had trouble with it.")
      .add(labels, server.ejected ? 1 : 0);
  page.counter("holdfast_server_ejections_total", "How often a server was ejected.")
      .add(labels, number(server.ejections_total));
  page.gauge("holdfast_server_agent_silent", "1 while the agent beside the checks of a server is not heard.")
      .add(labels, server.agent_error.empty() ? 0 : 1);
  page.counter("holdfast_server_ports_short_total", "Attempts to connect that found no free local port.")
      .add(labels, number(server.ports_short_total));
  page.gauge("holdfast_server_weight", "Weight of a server in its pool.").add(labels, server.weight);
  page.gauge("holdfast_server_weight_now", "The same with slow start, agent and state.").add(labels, server.weight_now);
  page.gauge("holdfast_server_addresses", "Addresses of a server; 0 while its host name is not resolved.")
      .add(labels, number(server.addresses));
  for (const SourceStatus& source : server.sources) {
    if (source.address.empty()) continue;
    page.gauge("holdfast_source_ports", "Local ports in use from a source address to a server.")
        .add({{"pool", server.pool}, {"server", server.name}, {"source", source.address}}, number(source.ports));
  }
}

void add_discovery(MetricsPage& page, const std::string& pool, const DiscoveryStatus& discovery) {
  const MetricLabels labels = {{"pool", pool}};
  page.gauge("holdfast_discovery_age_seconds", "Since the list of servers in use came into use.")
      .add(labels, discovery.age_seconds);
  page.gauge("holdfast_discovery_alarm", "1 while the newest state of the source is not in use, or only in part.")
      .add(labels, discovery.alarm == "none" ? 0 : 1);
  page.counter("holdfast_discovery_changes_total", "Lists of servers taken over.")
      .add(labels, number(discovery.changes_total));
  page.counter("holdfast_discovery_errors_total", "States of the source that were refused.")
      .add(labels, number(discovery.errors_total));
}

void add_pool(MetricsPage& page, const PoolStatus& pool) {
  const MetricLabels labels = {{"pool", pool.name}};
  const auto up = std::ranges::count_if(pool.servers, [](const ServerStatus& server) { return server.up; });
  page.gauge("holdfast_pool_servers_up", "Servers of a pool that take new connections.")
      .add(labels, static_cast<double>(up));
  page.gauge("holdfast_pool_waiting", "Connections in the queue of a pool.").add(labels, number(pool.waiting));
  page.gauge("holdfast_pool_panic", "1 while probes of a pool are doubted because too many fail at once.")
      .add(labels, pool.panic ? 1 : 0);
  page.counter("holdfast_probes_total", "Health checks made.").add(labels, number(pool.probes_total));
  page.counter("holdfast_probe_failures_total", "Health checks that failed.")
      .add(labels, number(pool.probe_failures_total));
  if (!pool.probe_buckets.empty()) {
    page.histogram("holdfast_probe_seconds", "How long a health check took.")
        .add(labels, histogram(health::ProbeHistogram::kBoundsSeconds, pool.probe_buckets, pool.probe_seconds_sum));
  }
  if (pool.discovery) add_discovery(page, pool.name, *pool.discovery);
  for (const ServerStatus& server : pool.servers) add_server(page, server);
}

control::HistogramCounts turn_counts(const WorkerStatus& worker) {
  control::HistogramCounts counts;
  for (std::size_t i = 0; i < net::TurnLengths::kBoundsSeconds.size(); ++i) {
    counts.buckets.push_back({net::TurnLengths::kBoundsSeconds[i], worker.turn_buckets[i]});
  }
  counts.above = worker.turn_buckets.back();
  counts.sum = worker.turn_seconds_sum;
  return counts;
}

void add_worker(MetricsPage& page, const std::string& number_text, const WorkerStatus& worker) {
  const MetricLabels labels = {{"worker", number_text}};
  page.counter("holdfast_loop_turns_total", "Turns of a worker's event loop.").add(labels, number(worker.turns));
  page.counter("holdfast_loop_events_total", "Events a worker's loop has handled.").add(labels, number(worker.events));
  page.histogram("holdfast_loop_turn_seconds", "How long a worker's loop was busy in a turn.")
      .add(labels, turn_counts(worker));
  page.gauge("holdfast_loop_lag_seconds", "The longest turn of a worker's loop in the last 10 to 20 seconds.")
      .add(labels, worker.lag_seconds);
  page.gauge("holdfast_worker_connections", "Connections that live on a worker.")
      .add(labels, number(worker.connections));
  page.gauge("holdfast_accept_paused", "1 while a worker accepts nothing because descriptors ran short.")
      .add(labels, worker.accept_paused ? 1 : 0);
  page.counter("holdfast_accept_pauses_total", "How often accepting was paused because descriptors ran short.")
      .add(labels, number(worker.accept_pauses));
  page.gauge("holdfast_memory_bytes", "Memory held by a part of a worker.")
      .add({{"worker", number_text}, {"part", "relays"}}, number(worker.relay_memory_bytes))
      .add({{"worker", number_text}, {"part", "pending_bytes"}}, number(worker.buffer_memory_bytes));
}

}  // namespace

void add_metrics(MetricsPage& page, const Status& status) {
  for (const ListenerStatus& listener : status.listeners) add_listener(page, listener);
  for (const PoolStatus& pool : status.pools) add_pool(page, pool);
  for (std::size_t i = 0; i < status.workers.size(); ++i) add_worker(page, std::to_string(i), status.workers[i]);
  page.gauge("holdfast_local_ports", "Local ports that one source address has towards one address of a server.")
      .add({}, status.local_ports);
  page.gauge("holdfast_descriptors_free", "File descriptors that connections may still take.")
      .add({}, static_cast<double>(status.descriptors_free));
  page.counter("holdfast_notices_dropped_total", "Events for the connection log that did not fit the workers' mailbox.")
      .add({}, number(status.notices_dropped));
  page.gauge("holdfast_notices_waiting", "Events in the workers' mailbox that are still to be taken.")
      .add({}, number(status.notices_waiting));
}

}  // namespace holdfast::gateway
