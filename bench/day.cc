#include "day.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <queue>

#include "base/hash.h"
#include "base/random.h"
#include "day_meter.h"

namespace holdfast::day {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kMidnight{24h};  // not the clock's zero
constexpr auto kSeen = 3s;            // a death, by checks
constexpr auto kSeenBack = 2s;
constexpr auto kAside = 5s;
constexpr auto kCalm = 1h;  // measured from here on: the first connects of all are no part of the day
constexpr double kFirstPause = 5;
constexpr double kPauseMax = 60;
constexpr double kAwayMax = 600;
constexpr std::size_t kTriesMax = 4;

class Day {
 public:
  Day(const Plan& plan, const Settings& settings)
      : settings_(settings),
        random_(settings.seed),
        pool_(plan, settings.servers + 1),
        meter_(settings.servers + 1),
        alive_(settings.servers + 1, true),
        clients_(settings.clients) {}

  Outcome run();

 private:
  static constexpr std::uint16_t kNobody = 0xffff;
  struct Client {
    std::uint16_t server = kNobody;
    std::uint16_t failures = 0;
    std::uint32_t visit = 0;  // events of earlier visits are void
  };
  struct Event {
    base::Time at{};
    std::uint32_t client = 0;
    std::uint32_t visit = 0;
    bool operator>(const Event& other) const noexcept { return at > other.at; }
  };
  struct Act {
    base::Time at{};
    std::uint64_t order = 0;
    std::function<void()> act;
    bool operator>(const Act& other) const noexcept { return std::pair(at, order) > std::pair(other.at, other.order); }
  };

  double chance() { return static_cast<double>(random_.next() >> 11) * 0x1p-53; }
  base::Time after(double seconds) const { return now_ + std::chrono::duration_cast<base::Duration>(Seconds(seconds)); }
  base::Time at(Seconds time) const { return kMidnight + std::chrono::duration_cast<base::Duration>(time); }
  void plan_act(base::Time time, std::function<void()> act) { acts_.push({time, acts_planned_++, std::move(act)}); }

  double lifetime(std::uint32_t client);
  void write_script();
  void begin_all();
  void turn(const Event& event);
  void come(std::uint32_t index);
  void go(std::uint32_t index, double away);
  std::optional<std::uint32_t> find_server(std::uint32_t index);
  void wait(std::uint32_t index);
  void die(std::uint32_t server);
  void return_from(std::uint32_t server, std::optional<Mark> ends = {});
  void publish();
  void drain(std::uint32_t server);
  void sample();

  Settings settings_;
  base::Random random_;
  base::Time now_ = kMidnight;
  Pool pool_;
  Meter meter_;
  std::vector<bool> alive_;
  std::vector<Client> clients_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::priority_queue<Act, std::vector<Act>, std::greater<>> acts_;
  std::uint64_t acts_planned_ = 0;
  bool step_planned_ = false;
};

// Log-normal with a sigma of one: half of them within a factor of two of the median, a few a tenth or ten times as
// long.
double Day::lifetime(std::uint32_t client) {
  const double median = client % 10 < 2 ? 300 : client % 10 < 6 ? 7'200 : 86'400;
  const double normal = std::sqrt(-2 * std::log(1 - chance())) * std::cos(2 * std::numbers::pi * chance());
  return median * std::exp(normal);
}

void Day::die(std::uint32_t server) {
  alive_[server] = false;
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].server != server) continue;
    meter_.cut();
    go(i, kFirstPause * chance());
  }
  plan_act(now_ + kSeen, [this, server] {
    pool_.mark_down(server);
    publish();
  });
}

void Day::return_from(std::uint32_t server, std::optional<Mark> ends) {
  alive_[server] = true;
  plan_act(now_ + kSeenBack, [this, server, ends] {
    pool_.mark_up(server, now_, true);
    if (ends) meter_.event_over(*ends, now_);
    meter_.came_up(server, now_);
    publish();
  });
}

void Day::drain(std::uint32_t server) {
  pool_.remove(server);
  publish();
  for (std::uint32_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].server != server) continue;
    plan_act(after(300 * chance()), [this, i, server, visit = clients_[i].visit] {
      if (clients_[i].visit != visit || clients_[i].server != server) return;
      meter_.cut();
      go(i, kFirstPause * chance());
    });
  }
}

void Day::publish() {
  pool_.publish(now_);
  if (!pool_.ramping() || step_planned_) return;
  step_planned_ = true;
  plan_act(after(pool_.step().count()), [this] {
    step_planned_ = false;
    publish();
  });
}

void Day::write_script() {
  const std::uint32_t joining = settings_.servers;
  plan_act(at(8h), [this, joining] {
    pool_.add(joining);
    return_from(joining, Mark::join);
  });
  Seconds time = 10h;
  for (std::uint32_t i = 0; i <= joining; ++i, time += 125s) {
    plan_act(at(time), [this, i] { die(i); });
    plan_act(at(time + 120s), [this, i] { return_from(i); });
  }
  plan_act(at(time), [this] { meter_.event_over(Mark::restart, now_); });
  for (time = 13h; time < 14h; time += 60s) {
    plan_act(at(time), [this] { die(3); });
    plan_act(at(time + 15s), [this] { return_from(3); });
  }
  plan_act(at(14h), [this] { meter_.event_over(Mark::flapping, now_); });
  plan_act(at(16h), [this] { die(5); });
  plan_act(at(17h), [this] { return_from(5, Mark::death); });
  plan_act(at(20h), [this] { drain(0); });
  plan_act(at(20h + 300s), [this] { meter_.event_over(Mark::removal, now_); });
}

// Evenly over ten minutes; who is found at midnight is somewhere in its visit.
void Day::begin_all() {
  for (std::uint32_t i = 0; i < settings_.servers; ++i) {
    pool_.add(i);
    pool_.mark_up(i, now_, false);
  }
  publish();
  for (std::uint32_t i = 0; i < clients_.size(); ++i) events_.push({after(600 * chance()), i, 0});
}

void Day::sample() {
  meter_.sample(pool_, now_);
  plan_act(now_ + Meter::kSample, [this] { sample(); });
}

void Day::wait(std::uint32_t index) {
  Client& client = clients_[index];
  const double longest = std::min(kPauseMax, kFirstPause * std::exp2(std::min<double>(++client.failures, 10)));
  meter_.found_nobody();
  events_.push({after(longest * chance()), index, client.visit});
}

std::optional<std::uint32_t> Day::find_server(std::uint32_t index) {
  std::vector<std::uint32_t> tried;
  policy::Request request{.key = base::mix(index + std::uint64_t{1}), .now = now_};
  while (tried.size() < kTriesMax) {
    const std::uint32_t worker = random_.below(Pool::kWorkers);
    request.tried = tried;
    request.pass = policy::Pass::careful;
    auto chosen = pool_.choose(worker, request);
    request.pass = policy::Pass::any;
    if (!chosen) chosen = pool_.choose(worker, request);
    if (!chosen) return std::nullopt;
    if (alive_[*chosen] && pool_.take_accept(*chosen, now_)) return chosen;
    pool_.load(*chosen).aside.set(now_ + kAside);
    tried.push_back(*chosen);
  }
  return std::nullopt;
}

void Day::come(std::uint32_t index) {
  const auto found = find_server(index);
  if (!found) return wait(index);
  Client& client = clients_[index];
  client.server = static_cast<std::uint16_t>(*found);
  client.failures = 0;
  if (pool_.over_bound(*found, now_)) meter_.over_bound();
  pool_.connect(*found);
  if (now_ >= kMidnight + kCalm) meter_.connected(*found, now_);
  const bool first = client.visit == 0;
  events_.push({after(lifetime(index) * (first ? chance() : 1)), index, ++client.visit});
}

void Day::go(std::uint32_t index, double away) {
  Client& client = clients_[index];
  pool_.disconnect(client.server);
  client.server = kNobody;
  events_.push({after(away), index, ++client.visit});
}

void Day::turn(const Event& event) {
  const Client& client = clients_[event.client];
  if (client.visit != event.visit) return;
  if (client.server == kNobody) return come(event.client);
  go(event.client, kAwayMax * chance());
}

Outcome Day::run() {
  begin_all();
  write_script();
  plan_act(at(kCalm), [this] { sample(); });
  while (now_ < kMidnight + 24h) {
    if (!acts_.empty() && (events_.empty() || acts_.top().at <= events_.top().at)) {
      const Act act = acts_.top();
      acts_.pop();
      now_ = act.at;
      act.act();
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    turn(event);
  }
  return meter_.finish();
}

}  // namespace

Outcome simulate(const Plan& plan, const Settings& settings) { return Day(plan, settings).run(); }

}  // namespace holdfast::day
