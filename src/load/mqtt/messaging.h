// load/mqtt/messaging.h: publishers and subscribers: pairs, fan-in, fan-out, a shared subscription.
//
// As fast as it goes, a publisher has `window` messages under way: sent, and not yet acknowledged (QoS 1 and 2) and
// delivered. At a fixed rate, message m is publisher m modulo their number's, and its latency counts from the
// time at which the schedule meant it to go.
//
// What is counted, for each publisher and its topic: lost, duplicated, and disordered deliveries; with a shared
// subscription, order is that of one publisher's messages at one member.
#pragma once

#include <vector>

#include "load/mqtt/ack_window.h"
#include "load/mqtt/arrivals.h"
#include "load/mqtt/model.h"
#include "load/rate_schedule.h"

namespace holdfast::load {

class MqttMessaging final : public MqttModel {
 public:
  MqttMessaging(net::Loop& loop, const MqttSettings& settings, const Window& window);

  void start() override;
  void tend() override;
  [[nodiscard]] bool drained() override;

 private:
  struct Publisher {
    base::Key key;
    std::string topic;
    AckWindow acks;
    std::uint32_t sent = 0;
    std::uint32_t due = 0;       // by the schedule
    std::uint32_t refused = 0;   // by a reason code
    std::uint32_t given_up = 0;  // of `sent`: they may be missing for all we care; see tend()
    std::uint64_t settled = 0;   // deliveries that came, or that later ones overtook
    std::uint64_t settled_before = 0;
    std::uint32_t limit = 0;  // of messages under way
    bool waking = false;      // it is in waking_
  };

  [[nodiscard]] std::uint32_t wanted() const override { return publisher_count() + subscriber_count(); }
  [[nodiscard]] std::string filter_of(std::uint32_t number) const override;
  void on_welcome(base::Key key, Client& client) override;
  [[nodiscard]] bool on_message(base::Key key, Client& client, const wire::mqtt::Publish& publish) override;
  [[nodiscard]] bool on_ack(base::Key key, Client& client, const wire::mqtt::Ack& ack) override;
  void on_writable(base::Key key, Client& client) override;
  void on_pace() override;
  void after_event() override;
  void on_finish() override;

  [[nodiscard]] std::uint32_t publisher_count() const noexcept;
  [[nodiscard]] std::uint32_t subscriber_count() const noexcept;
  [[nodiscard]] std::uint32_t copies() const noexcept;  // of each message that are to be delivered
  [[nodiscard]] bool paced() const noexcept { return settings_.rate != 0; }

  void note(Publisher& publisher, std::uint32_t subscriber, const MqttStamp& stamp);
  [[nodiscard]] std::uint32_t under_way(const Publisher& publisher) const noexcept;
  [[nodiscard]] std::uint32_t allowed(const Publisher& publisher, base::Time now) const noexcept;
  void pump(std::uint32_t index, base::Time now);
  void append(std::uint32_t index, base::Time now);
  void wake(Publisher& publisher);

  std::vector<Publisher> publishers_;
  std::vector<Arrivals> arrivals_;          // of each publisher; fanout: of each subscriber
  std::vector<std::uint32_t> member_next_;  // shared: by member and publisher, the largest number that came, and one
  std::vector<std::uint32_t> waking_;       // publishers that may send more
  wire::mqtt::Bytes outgoing_;
  RateSchedule schedule_;
  std::uint64_t next_ = 0;  // the schedule's next message
  base::Time looked_;       // when tend() last looked for stalls
};

}  // namespace holdfast::load
