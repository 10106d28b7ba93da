// broker/broker.h: the broker role of a process: its listeners and workers, and who its clients are.
//
// Thread: control. The workers are its own.
// Life:   constructed (every socket is bound, every file read), start(), destroyed (every client has been told and
//         every connection has ended).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "auth/chain.h"
#include "auth/files.h"
#include "broker/connection_search.h"
#include "broker/listeners.h"
#include "broker/notice.h"
#include "broker/post.h"
#include "broker/rate_meter.h"
#include "broker/status.h"
#include "broker/worker.h"
#include "config/settings.h"
#include "control/runtime.h"
#include "control/ticker.h"
#include "control/wakeup.h"
#include "entry/admission.h"
#include "net/descriptors.h"

namespace holdfast::broker {

class SysTopics;

class Broker {
 public:
  // `descriptors` and `process` are what all roles of the process have together. Throws std::runtime_error with a text
  // for the operator when a socket cannot be bound or a file cannot be used.
  Broker(control::Runtime& runtime, const config::Settings& settings, std::string node_name, std::string version,
         net::DescriptorBudget& descriptors, entry::ProcessLimit& process);
  ~Broker();

  void start();
  // Tells every client that the node stops and ends all connections. Nobody is let in any more.
  void stop();
  // Whether every client that comes and goes is told in the log.
  void set_tells_all(bool tells_all) noexcept { tells_all_ = tells_all; }
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::uint64_t connections() const;
  // Publishes in the name of the broker.
  void publish(std::string topic, std::string payload, bool retain);
  // Finds live connections, or ends one orderly (reason `kicked`): by its id, or the client of that name. Its client is
  // told (DISCONNECT 0x98 in MQTT 5). connection_search.h says more. The answer is dropped when the broker stops first.
  void find_connections(const entry::ConnectionQuery& query, std::function<void(entry::ConnectionPage)> answer);
  void close_connection(std::uint64_t id, std::function<void(bool found)> answer);
  void close_client(const std::string& client_id, std::function<void(bool found)> answer);

 private:
  void open(const config::Broker& settings, unsigned workers);
  void hear(Notice notice);
  void ask(WhoIsIt question);
  [[nodiscard]] static wire::mqtt::Reason reason_of(auth::Verdict verdict) noexcept;
  [[nodiscard]] ListenerStatus status_of(const Listener& listener) const;
  void add_totals(Totals& totals, const WorkerCounters& counters) const;

  control::Runtime& runtime_;
  const config::Settings settings_;
  const std::string version_;
  const base::Time begun_;
  net::DescriptorBudget& descriptors_;
  entry::ProcessLimit& process_;
  Listeners listeners_;
  std::shared_ptr<const auth::Files> files_;
  std::unique_ptr<auth::Chain> chain_;
  base::Snapshot<auth::Acl> acl_;
  const ShardSettings shard_settings_;
  std::atomic<bool> tells_all_{true};
  control::Wakeup wakeup_;
  Notices notices_;
  DelayedRoom delayed_room_;
  std::atomic<ClaimToken> connects_read_{0};
  PostOffice office_;
  ConnectionSearches searches_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<SysTopics> sys_topics_;
  RateMeter rates_;
  std::unique_ptr<control::Ticker> rates_ticker_;
  bool stopped_ = false;
  mutable std::uint64_t clients_max_ = 0;
};

}  // namespace holdfast::broker
