#include "broker/metrics.h"

#include <algorithm>
#include <string>

namespace holdfast::broker {
namespace {

using control::MetricsPage;

double number(std::uint64_t value) { return static_cast<double>(value); }

void add_listener(MetricsPage& page, const ListenerStatus& listener) {
  const control::MetricLabels labels = {{"listener", listener.name}};
  page.gauge("holdfast_connections", "Connections that live now.").add(labels, number(listener.connections));
  page.gauge("holdfast_connections_max", "How many connections a listener may have.")
      .add(labels, number(listener.max_connections));
  page.counter("holdfast_connections_total", "Connections accepted.").add(labels, number(listener.connections_total));
  auto closed = page.counter("holdfast_closed_total", "Accepted connections that have ended, by reason.");
  for (const auto& [reason, count] : listener.closed) {
    closed.add({{"listener", listener.name}, {"reason", reason}}, number(count));
  }
  auto refused = page.counter("holdfast_refused_total", "Connections closed unserved, by reason.");
  for (const auto& [reason, count] : listener.refused) {
    refused.add({{"listener", listener.name}, {"reason", reason}}, number(count));
  }
  auto connects = page.counter("holdfast_broker_connects_refused_total", "Clients refused, by the code of CONNACK.");
  for (const auto& [reason, count] : listener.connects_refused) {
    connects.add({{"listener", listener.name}, {"reason", reason}}, number(count));
  }
  page.counter("holdfast_broker_bytes_total", "Bytes of clients, by the direction they went.")
      .add({{"listener", listener.name}, {"direction", "received"}}, number(listener.bytes_received))
      .add({{"listener", listener.name}, {"direction", "sent"}}, number(listener.bytes_sent));
}

void add_messages(MetricsPage& page, const Totals& totals) {
  auto received = page.counter("holdfast_broker_messages_received_total", "PUBLISH packets of clients, by QoS.");
  auto sent = page.counter("holdfast_broker_messages_sent_total", "PUBLISH packets to clients, by QoS.");
  for (std::size_t qos = 0; qos < 3; ++qos) {
    const std::string label = std::to_string(qos);
    received.add({{"qos", label}}, number(totals.messages_received[qos]));
    sent.add({{"qos", label}}, number(totals.messages_sent[qos]));
  }
  auto packets = page.counter("holdfast_broker_packets_received_total", "Packets of clients, by type.");
  for (const auto& [type, count] : totals.packets_received) {
    packets.add({{"type", type}}, number(count));
  }
  auto dropped = page.counter("holdfast_broker_dropped_total", "Copies of messages that no client got, by reason.");
  for (const auto& [reason, count] : totals.dropped) dropped.add({{"reason", reason}}, number(count));
  dropped.add({{"reason", "no_member"}}, number(totals.no_member));
  page.counter("holdfast_broker_messages_unmatched_total", "Messages that nobody had subscribed to.")
      .add({}, number(totals.messages_unmatched));
  page.counter("holdfast_broker_messages_denied_total", "Messages that the access rules did not allow.")
      .add({}, number(totals.messages_denied));
  auto topics = page.counter("holdfast_broker_topics_refused_total",
                             "PUBLISH packets whose topic the broker does not accept, by reason.");
  for (const auto& [reason, count] : totals.topics_refused) topics.add({{"reason", reason}}, number(count));
  page.counter("holdfast_broker_messages_forwarded_total", "Messages handed from one worker to another.")
      .add({}, number(totals.messages_forwarded));
  page.counter("holdfast_broker_paced_total", "How often a client had to wait because it sends more than it may.")
      .add({}, number(totals.paced));
  page.counter("holdfast_broker_retained_refused_total", "Retained messages beyond a limit of broker.retained.")
      .add({}, number(totals.retained_refused));
  page.counter("holdfast_broker_delayed_refused_total", "Delayed messages beyond a limit of broker.delayed.")
      .add({}, number(totals.delayed_refused));
}

void add_life(MetricsPage& page, const Totals& totals) {
  page.gauge("holdfast_broker_clients", "Clients that are connected.").add({}, number(totals.clients));
  page.gauge("holdfast_broker_sessions", "Sessions, with those whose client is away.").add({}, number(totals.sessions));
  page.gauge("holdfast_broker_subscriptions", "Subscriptions, the shared ones included.")
      .add({}, number(totals.subscriptions));
  page.gauge("holdfast_broker_shared_subscriptions", "Memberships in shared subscriptions.")
      .add({}, number(totals.shared_subscriptions));
  page.gauge("holdfast_broker_retained_messages", "Retained messages.").add({}, number(totals.retained));
  page.gauge("holdfast_broker_retained_bytes", "Bytes of retained messages.").add({}, number(totals.retained_bytes));
  page.gauge("holdfast_broker_delayed_messages", "Messages that wait for their delay.").add({}, number(totals.delayed));
  page.gauge("holdfast_broker_routes", "Filters that workers know of each other.").add({}, number(totals.routes));
  page.gauge("holdfast_broker_routes_wide", "Filters of shapes that are too many to be told apart.")
      .add({}, number(totals.routes_wide));
  page.gauge("holdfast_broker_messages_alive", "Messages in memory, each counted once.")
      .add({}, number(totals.messages_alive));
  page.gauge("holdfast_broker_message_bytes_alive", "Bytes of messages in memory, each counted once.")
      .add({}, number(totals.message_bytes_alive));
  page.counter("holdfast_broker_connects_total", "Clients that were let in.").add({}, number(totals.connects));
  page.counter("holdfast_broker_sessions_resumed_total", "Of these, those whose session was there.")
      .add({}, number(totals.resumed));
  page.counter("holdfast_broker_takeovers_total", "Connections ended because another came with the client id.")
      .add({}, number(totals.taken_over));
  page.counter("holdfast_broker_sessions_expired_total", "Sessions that ended because their client stayed away.")
      .add({}, number(totals.sessions_expired));
  page.counter("holdfast_broker_subscribes_total", "SUBSCRIBE packets.").add({}, number(totals.subscribes));
  page.counter("holdfast_broker_unsubscribes_total", "UNSUBSCRIBE packets.").add({}, number(totals.unsubscribes));
  page.counter("holdfast_broker_wills_total", "Wills that were published.").add({}, number(totals.wills));
}

}  // namespace

void add_metrics(MetricsPage& page, const Status& status) {
  for (const ListenerStatus& listener : status.listeners) add_listener(page, listener);
  add_life(page, status.totals);
  add_messages(page, status.totals);
  auto answers = page.counter("holdfast_auth_answers_total", "What was found out about clients, by answer.");
  for (std::size_t i = 0; i < status.auth.answers_total.size(); ++i) {
    answers.add({{"answer", auth::name(static_cast<auth::Verdict>(i))}}, number(status.auth.answers_total[i]));
  }
  page.counter("holdfast_auth_seconds_total", "Time from CONNECT to the answer who a client is, of all answers.")
      .add({}, status.auth.seconds_total);
  page.gauge("holdfast_auth_under_way", "Clients of whom it is being found out who they are.")
      .add({}, number(status.auth.under_way));
  page.counter("holdfast_auth_passwords_hashed_total", "Passwords that had to be hashed.")
      .add({}, number(status.auth.passwords.hashed_total));
  page.counter("holdfast_auth_passwords_known_total", "Passwords that were known from a moment ago.")
      .add({}, number(status.auth.passwords.known_total));
  page.counter("holdfast_auth_passwords_unchecked_total", "Passwords that could not be checked, by reason.")
      .add({{"reason", "full"}}, number(status.auth.passwords.full_total))
      .add({{"reason", "late"}}, number(status.auth.passwords.late_total));
  page.counter("holdfast_auth_failures_total", "Logins with a password that were refused for what they said.")
      .add({}, number(status.auth.failures.failed_total));
  page.counter("holdfast_auth_failures_untracked_total", "Of these, failures of addresses for which there was no room.")
      .add({}, number(status.auth.failures.untracked_total));
  auto memory = page.gauge("holdfast_broker_memory_bytes", "Memory of connections and of bytes on their way to them.");
  auto lag = page.gauge("holdfast_broker_lag_seconds", "The longest turn of a broker's worker of late.");
  for (std::size_t i = 0; i < status.workers.size(); ++i) {
    const std::string worker = std::to_string(i);
    memory.add({{"worker", worker}, {"what", "connections"}}, number(status.workers[i].connection_memory_bytes));
    memory.add({{"worker", worker}, {"what", "buffers"}}, number(status.workers[i].buffer_memory_bytes));
    lag.add({{"worker", worker}}, status.workers[i].lag_seconds);
  }
  page.counter("holdfast_broker_notices_dropped_total", "What workers had to tell and nobody had room for.")
      .add({}, number(status.notices_dropped));
}

}  // namespace holdfast::broker
