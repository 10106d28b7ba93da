// broker/sys_topics.h: the broker's own numbers as topics, under the names that EMQ and mosquitto have for them.
//
// $SYS/brokers/NODE/... as EMQ, $SYS/broker/... as mosquitto; docs/BROKER.md lists them.
// Thread: control. Cost: about 80 retained messages every broker.sys_interval; those whose value is the same as before
//         are not published again.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "control/ticker.h"

namespace holdfast::broker {

class Broker;
struct Status;

class SysTopics {
 public:
  // Publishes at once and then every `interval`; 0: never.
  SysTopics(control::Runtime& runtime, Broker& broker, std::string node_name, std::string_view version,
            std::chrono::microseconds interval);

 private:
  void publish_all();
  void as_emq(const Status& status);
  void as_mosquitto(const Status& status);
  void tell(std::string topic, std::string value);

  Broker& broker_;
  const std::string node_;
  boost::unordered_flat_map<std::string, std::string> told_;
  std::unique_ptr<control::Ticker> ticker_;
};

}  // namespace holdfast::broker
