#include "broker/sys_topics.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "broker/broker.h"

namespace holdfast::broker {

SysTopics::SysTopics(control::Runtime& runtime, Broker& broker, std::string node_name, std::string_view version,
                     std::chrono::microseconds interval)
    : broker_(broker), node_(std::move(node_name)) {
  if (interval.count() == 0) return;
  tell("$SYS/brokers", node_);
  tell(fmt::format("$SYS/brokers/{}/version", node_), std::string(version));
  tell("$SYS/broker/version", fmt::format("holdfast {}", version));
  tell(fmt::format("$SYS/brokers/{}/sysdescr", node_), "Holdfast");
  publish_all();
  ticker_ = std::make_unique<control::Ticker>(runtime, std::chrono::ceil<std::chrono::milliseconds>(interval),
                                              [this] { publish_all(); });
}

void SysTopics::tell(std::string topic, std::string value) {
  std::string& told = told_[topic];
  if (told == value) return;
  told = value;
  broker_.publish(std::move(topic), std::move(value), true);
}

void SysTopics::publish_all() {
  const Status status = broker_.status();
  as_emq(status);
  as_mosquitto(status);
}

void SysTopics::as_emq(const Status& status) {
  const Totals& totals = status.totals;
  const auto say = [this](const char* name, std::uint64_t value) {
    tell(fmt::format("$SYS/brokers/{}/{}", node_, name), std::to_string(value));
  };
  tell(fmt::format("$SYS/brokers/{}/uptime", node_),
       fmt::format("{} seconds", static_cast<std::uint64_t>(status.uptime_seconds)));
  tell(fmt::format("$SYS/brokers/{}/datetime", node_),
       fmt::format("{:%Y-%m-%d %H:%M:%S}",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()))));
  say("stats/clients/count", totals.clients);
  say("stats/clients/max", totals.clients_max);
  say("stats/sessions/count", totals.sessions);
  say("stats/subscriptions/count", totals.subscriptions);
  say("stats/subscriptions/shared/count", totals.shared_subscriptions);
  say("stats/routes/count", totals.routes);
  say("stats/retained/count", totals.retained);
  say("metrics/bytes/received", totals.bytes_received);
  say("metrics/bytes/sent", totals.bytes_sent);
  say("metrics/messages/received",
      totals.messages_received[0] + totals.messages_received[1] + totals.messages_received[2]);
  say("metrics/messages/sent", totals.messages_sent[0] + totals.messages_sent[1] + totals.messages_sent[2]);
  for (unsigned qos = 0; qos < 3; ++qos) {
    say(fmt::format("metrics/messages/qos{}/received", qos).c_str(), totals.messages_received[qos]);
    say(fmt::format("metrics/messages/qos{}/sent", qos).c_str(), totals.messages_sent[qos]);
  }
  say("metrics/messages/retained", totals.messages_retained);
  std::uint64_t dropped = totals.no_member;
  for (const auto& [reason, count] : totals.dropped) dropped += count;
  say("metrics/messages/dropped", dropped);
  for (const auto& [type, count] : totals.packets_received) {
    std::string name = type;
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    say(fmt::format("metrics/packets/{}/received", name).c_str(), count);
  }
}

void SysTopics::as_mosquitto(const Status& status) {
  const Totals& totals = status.totals;
  const auto say = [this](const char* name, std::uint64_t value) {
    tell(fmt::format("$SYS/broker/{}", name), std::to_string(value));
  };
  tell("$SYS/broker/uptime", fmt::format("{} seconds", static_cast<std::uint64_t>(status.uptime_seconds)));
  say("clients/connected", totals.clients);
  say("clients/active", totals.clients);
  say("clients/disconnected", totals.sessions - std::min(totals.sessions, totals.clients));
  say("clients/inactive", totals.sessions - std::min(totals.sessions, totals.clients));
  say("clients/maximum", totals.clients_max);
  say("clients/total", totals.sessions);
  say("clients/expired", totals.sessions_expired);
  say("bytes/received", totals.bytes_received);
  say("bytes/sent", totals.bytes_sent);
  const std::uint64_t received =
      totals.messages_received[0] + totals.messages_received[1] + totals.messages_received[2];
  const std::uint64_t sent = totals.messages_sent[0] + totals.messages_sent[1] + totals.messages_sent[2];
  say("messages/received", received);
  say("messages/sent", sent);
  say("messages/stored", totals.messages_alive);
  say("store/messages/count", totals.messages_alive);
  say("store/messages/bytes", totals.message_bytes_alive);
  say("publish/messages/received", received);
  say("publish/messages/sent", sent);
  std::uint64_t dropped = totals.no_member;
  for (const auto& [reason, count] : totals.dropped) dropped += count;
  say("publish/messages/dropped", dropped);
  say("retained messages/count", totals.retained);
  say("subscriptions/count", totals.subscriptions);
  say("shared_subscriptions/count", totals.shared_subscriptions);
}

}  // namespace holdfast::broker
