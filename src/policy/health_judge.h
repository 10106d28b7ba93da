// policy/health_judge.h: whether one server is up, from the results of its probes.
//
// Thread: one owner (the control plane). Cost: O(1). Memory: the object and two texts of at most 200 bytes.
// Source: HAProxy's `rise`, `fall`, `inter`, `fastinter`, `downinter`, and how its statistics show them.
//
//   UP        settled                      a failure leads to UP 2/3, or to DOWN when fall is 1
//   UP 2/3    failing: 2 of 3 lives left   one success leads back to UP, one more failure to UP 1/3, then DOWN
//   DOWN      settled                      a success leads to DOWN 1/2, or to UP when rise is 1
//   DOWN 1/2  returning: 1 of 2 passed     one more success leads to UP, one failure back to DOWN
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace holdfast::policy {

struct HealthRules {
  std::uint32_t rise = 2;  // successes in a row that bring it up; at least 1
  std::uint32_t fall = 3;  // failures in a row that take it down; at least 1
  base::Duration interval = std::chrono::seconds(2);
  base::Duration fast_interval = std::chrono::milliseconds(500);  // while UP 2/3 or DOWN 1/2
  base::Duration down_interval = std::chrono::seconds(2);         // while DOWN
  std::uint32_t jitter_percent = 10;  // each delay is this much longer or shorter; below 100
};

enum class Health : std::uint8_t { down, up };
enum class Probe : std::uint8_t { failed, passed };

class HealthJudge {
 public:
  static constexpr std::size_t kCauseBytesMax = 200;

  enum class Start : std::uint8_t {
    up,
    up_on_trial,  // as HAProxy starts: up, but the first failure takes it down ("UP 1/3")
    down,
  };
  enum class Verdict : std::uint8_t { same, went_up, went_down };

  HealthJudge(const HealthRules& rules, Start start, base::Time now);

  // `cause` says what the probe saw: "status 200", "connection refused".
  Verdict on_result(Probe result, base::Time now, std::string_view cause);
  // At once and without counting: an agent's word, or evidence. Probes go on from the settled state.
  Verdict force(Health health, base::Time now, std::string_view cause);
  // New rules; the state stays, a progress that they do not know is cut.
  void set_rules(const HealthRules& rules);

  [[nodiscard]] Health health() const noexcept { return health_; }
  [[nodiscard]] base::Time since() const noexcept { return since_; }
  // Why it is up or down, or, while it is failing or returning, why.
  [[nodiscard]] const std::string& cause() const noexcept { return cause_; }
  // What the last probe saw, passed or failed; empty before the first.
  [[nodiscard]] const std::string& last_result() const noexcept { return last_result_; }
  // Neither failing nor returning.
  [[nodiscard]] bool is_settled() const noexcept { return against_ == 0; }
  // "UP", "UP 2/3", "DOWN", "DOWN 1/2".
  [[nodiscard]] std::string text() const;
  // How long to wait from the begin of one probe to the next.
  [[nodiscard]] base::Duration next_delay(base::Random& random) const noexcept;

 private:
  Verdict become(Health health, base::Time now);

  HealthRules rules_;
  Health health_;
  std::uint32_t against_ =
      0;  // results in a row that speak against `health_`: below fall when up, below rise when down
  base::Time since_;
  std::string cause_;
  std::string last_result_;
};

}  // namespace holdfast::policy
