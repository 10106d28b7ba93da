// gateway/gateway.h: the gateway role of a process: its listeners, pools and workers.
//
// Thread: control. The workers are its own.
// Life:   constructed (every socket is bound), start(), then any of the commands, destroyed (every connection has
//         ended).
// Change: prepare() does all that can fail and apply() makes it so; nobody who is not concerned notices. What a
//         listener or a pool is, is its name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/siphash.h"
#include "control/ticker.h"
#include "control/wakeup.h"
#include "gateway/connection_log.h"
#include "gateway/connection_search.h"
#include "gateway/directory.h"
#include "gateway/drain_order.h"
#include "gateway/listener_slots.h"
#include "gateway/prepared.h"
#include "gateway/status.h"
#include "gateway/wakers.h"
#include "gateway/worker.h"

namespace holdfast::gateway {

class Gateway {
 public:
  // `descriptors` and `process` are what all roles of the process have together. Throws std::runtime_error with a text
  // for the operator when a socket cannot be bound: nothing is served then.
  Gateway(control::Runtime& runtime, const config::Settings& settings, net::DescriptorBudget& descriptors,
          entry::ProcessLimit& process, Verbosity verbosity);
  ~Gateway();

  // Serves from now on; calls `on_ready` when it does. Host names are resolved first, or given up for the time being.
  void start(std::function<void()> on_ready);

  // Everything that `wanted` needs and that can fail: sockets are bound, threads' loops made. Throws
  // std::runtime_error with a text for the operator, and then, as when the answer is thrown away, nothing has happened.
  // With `drop`, listeners that were drained by command are to accept again; with `keep` they need no address.
  [[nodiscard]] std::unique_ptr<Prepared> prepare(const config::Settings& wanted, RuntimeChanges runtime);
  // Makes it so. Nothing else may have changed the gateway since prepare(): do both in one go. Keys that only a new
  // process can heed are not looked at; workers only become more.
  void apply(std::unique_ptr<Prepared> prepared);

  // Which connections the log tells of from now on.
  void set_verbosity(Verbosity verbosity);

  // Commands about servers go there.
  [[nodiscard]] Directory& directory() noexcept { return directory_; }

  // Whether it is configured, or still has connections.
  [[nodiscard]] bool has_listener(const std::string& name);
  // Nothing when it is neither.
  [[nodiscard]] std::optional<KnownListener::State> state_of(const std::string& name) const;
  // The listener accepts no more; its connections end as the order says. A later order replaces the former. False when
  // there is no such listener.
  bool drain_listener(const std::string& name, const DrainOrder& order);
  // It accepts again, and its connections stay. Throws std::runtime_error when it cannot be bound again.
  bool ready_listener(const std::string& name);

  // The whole node: accepts no more, has its connections end as the order says, and calls `on_drained` when the last
  // has gone or the deadline is over, with the number of those that it ended then. A later order replaces the former,
  // and its callback.
  void drain(const DrainOrder& order, std::function<void(std::uint64_t cut)> on_drained);
  // Ends the drain of the node, also one that is over: accepts again. Throws std::runtime_error when an address cannot
  // be bound again; then it goes on draining.
  void resume();

  // Finds live connections, or ends one orderly by its id (reason `kicked`); connection_search.h says more. The answer
  // comes on control, perhaps at once; never when the gateway is gone by then.
  void find_connections(const ConnectionQuery& query, std::function<void(ConnectionPage)> answer);
  void close_connection(std::uint64_t id, std::function<void(bool found)> answer);

  [[nodiscard]] std::uint64_t connections() const;
  [[nodiscard]] Status status() const;

 private:
  // gateway.cc
  [[nodiscard]] std::unique_ptr<Worker> make_worker(std::size_t number);
  void add_worker(std::unique_ptr<Worker> worker);
  [[nodiscard]] ConnectionSearches::World searched_world();
  void tell_descriptors() const;
  [[nodiscard]] ListenerStatus status_of(const KnownListener& listener) const;
  [[nodiscard]] WorkerStatus status_of(std::size_t worker) const;
  void hear(const Notice& notice);
  void tick();

  // reconfiguring.cc
  void plan_workers(Prepared& plan);
  void plan_listeners(Prepared& plan);
  [[nodiscard]] bool will_accept(const std::string& listener, RuntimeChanges runtime) const;
  [[nodiscard]] std::vector<entry::PlannedBind> plan_binds(const config::Listener& settings);
  [[nodiscard]] std::vector<entry::BindPlanner::Holder> holders() const;
  void commit(Prepared& plan);
  void commit(PlannedListener& planned, RuntimeChanges runtime);
  [[nodiscard]] KnownListener& known(const config::Listener& settings);
  void leave(KnownListener& known);
  void name_no_pool_that_went();
  void make_rules(KnownListener& known);
  [[nodiscard]] ListenerClosing closing_of(const KnownListener& known) const;
  void publish();

  // draining.cc
  [[nodiscard]] bool take_closings();
  [[nodiscard]] bool close_left();
  void check_drained();
  [[nodiscard]] std::uint64_t ended() const;

  control::Runtime& runtime_;
  Verbosity verbosity_;
  const base::SipKey seed_;
  const std::uint64_t first_id_;
  entry::ProcessLimit& process_;
  net::DescriptorBudget& descriptors_;
  Directory directory_;
  std::atomic<net::PortRange> local_ports_;
  config::Settings settings_;  // as applied last
  ListenerSlots listeners_;
  base::Snapshot<Listeners> snapshot_;
  ConnectionLog log_;
  control::Wakeup wakeup_;
  Notices notices_;
  ConnectionSearches searches_;
  Wakers wakers_;
  std::vector<base::Waker*> readers_;             // the same, for the directory
  std::vector<std::unique_ptr<Worker>> workers_;  // ended first

  std::uint64_t ended_by_gone_ = 0;  // connections of listeners that are not known any more
  bool started_ = false;
  bool stopping_ = false;      // told to before it began
  std::uint64_t changes_ = 0;  // how often it was changed: what was prepared before does not fit any more
  std::unique_ptr<control::Ticker> ports_ticker_;
  std::unique_ptr<control::Ticker> ticker_;
  std::unique_ptr<control::Ticker> drain_ticker_;
  std::optional<Drain> drain_;  // of the node
  std::function<void(std::uint64_t)> on_drained_;
};

}  // namespace holdfast::gateway
