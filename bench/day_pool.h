// bench/day_pool.h: the pool of the simulated day: servers, what control knows of them, and the policies of the
// workers.
//
// Thread: one. Pure: the time comes from the caller.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "policy/maglev.h"
#include "policy/policy.h"

namespace holdfast::day {

using Seconds = std::chrono::duration<double>;

// How connections are balanced: one line of the table.
struct Plan {
  std::string name;
  policy::Kind kind = policy::Kind::least_connections;
  Seconds slow_start{0};  // 0: off
  enum class Ramp : std::uint8_t {
    weight_and_share,
    weight_only,  // what a balancer does that knows no share
  } ramp = Ramp::weight_and_share;
  double accepts_per_second_max = 0;  // of each server; 0: no limit
  double load_bound = 0;              // of hash
  std::uint32_t connections_max = 0;  // of each server; 0: no limit
};

class Pool {
 public:
  static constexpr std::uint32_t kWorkers = 4;
  static constexpr std::uint32_t kWeight = 100;
  static constexpr int kRampSteps = 20;

  Pool(const Plan& plan, std::uint32_t servers_max);

  // What control does when its view of a server changes; publish() makes it seen.
  void add(std::uint32_t server) { states_[server].configured = true; }
  void remove(std::uint32_t server) { states_[server].configured = false; }
  void mark_down(std::uint32_t server) { states_[server].up = false; }
  void mark_up(std::uint32_t server, base::Time now, bool slowly);
  void publish(base::Time now);
  // Whether some server is still in slow start, so that publish() is due again after step().
  [[nodiscard]] bool ramping() const noexcept { return ramping_; }
  [[nodiscard]] Seconds step() const;

  [[nodiscard]] std::optional<std::uint32_t> choose(std::uint32_t worker, const policy::Request& request);
  [[nodiscard]] bool take_accept(std::uint32_t server, base::Time now);
  // Whether one more would be more than the load bound of hash allows, by its definition.
  [[nodiscard]] bool over_bound(std::uint32_t server, base::Time now) const;
  void connect(std::uint32_t server);
  void disconnect(std::uint32_t server);

  [[nodiscard]] policy::ServerLoad& load(std::uint32_t server) { return loads_[server]; }
  [[nodiscard]] std::uint32_t count(std::uint32_t server) const { return loads_[server].connections; }
  [[nodiscard]] bool serving(std::uint32_t server) const { return states_[server].configured && states_[server].up; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(states_.size()); }

 private:
  struct State {
    bool configured = false;
    bool up = false;
    bool starting = false;  // slowly
    base::Time since{};
  };

  [[nodiscard]] double ramp_of(const State& state, base::Time now) const;
  [[nodiscard]] policy::View view() const;
  void set_shares(base::Time now, double weight_sum);
  void build_table();

  Plan plan_;
  std::vector<State> states_;
  std::deque<policy::ServerLoad> loads_;
  std::atomic<std::uint32_t> total_{0};
  std::vector<policy::Server> servers_;  // all that there ever are; those that are not configured have no weight
  std::shared_ptr<const policy::MaglevTable> table_;
  std::vector<std::unique_ptr<policy::Policy>> policies_;  // one a worker
  bool ramping_ = false;
};

}  // namespace holdfast::day
