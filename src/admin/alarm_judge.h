// admin/alarm_judge.h: which alarms there are, from what is seen of the process now and a moment ago.
//
// Thread: pure; one owner. It is to be asked about once a second.
// Cost:   one pass over listeners, pools, servers and workers.
// Limits: as many alarms as there are pools, servers and source addresses, each at most once.
//
// pool_in_panic, of a pool: raised at once; cleared kQuiet after it has ended.
// pool_without_servers, of a pool: raised when it has lasted kPatience; cleared at once.
// discovery_stale, of a pool: raised when it has lasted kPatience; cleared at once.
// descriptors_short: raised when accepting pauses, or fewer than a 20th are free; cleared kQuiet with more than a 10th.
// ports_short, of a server: raised when a connect found none, or 95 % are in use; cleared kQuiet below 90 %.
// log_dropping, of the log or of connections: raised when lines were dropped; cleared kQuiet without.
// events_lost: raised when a listener of /v1/events lost some; cleared kQuiet without.
//
// So an alarm that comes and goes at every look is raised once, and one look at a wrong moment raises none.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "gateway/status.h"

namespace holdfast::admin {

// What the judge looks at.
struct Sight {
  gateway::Status gateway;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t events_lost = 0;
};

struct AlarmChange {
  enum class To : std::uint8_t { raised, cleared };
  To to = To::raised;
  std::string name;
  std::string subject;
  std::string why;  // of one that is raised
  friend bool operator==(const AlarmChange&, const AlarmChange&) = default;
};

class AlarmJudge {
 public:
  static constexpr std::chrono::seconds kPatience{3};
  static constexpr std::chrono::seconds kQuiet{10};

  // What has changed since the last look. The first look takes counters as they are. Alarms of a pool or server that
  // has gone are cleared.
  [[nodiscard]] std::vector<AlarmChange> look(const Sight& now, base::Time at);

 private:
  enum class Mood : std::uint8_t { bad, unsure, good };  // unsure: reason neither to raise nor to clear
  struct Finding {
    Mood mood = Mood::good;
    std::string why{};
  };
  struct Rule {
    std::chrono::seconds raise_after;  // bad at every look for so long
    std::chrono::seconds clear_after;  // good at every look for so long
  };
  struct Case {
    bool raised = false;
    bool seen = false;  // in this look
    Mood mood = Mood::unsure;
    base::Time since{};  // every look since then found this mood
  };
  using Key = std::pair<std::string, std::string>;

  void look_at(const gateway::PoolStatus& pool);
  void look_at(const gateway::ServerStatus& server, std::uint32_t local_ports);
  void look_at_descriptors(const gateway::Status& status);
  void look_at_counter(const char* name, const char* subject, std::uint64_t count, const char* what);
  void judge(const char* name, const std::string& subject, const Rule& rule, Finding finding);
  void turn(const Key& key, Case& judged, std::string why);
  void clear_unseen();
  // How much a counter has grown since the last look; 0 at the first one.
  [[nodiscard]] std::uint64_t growth(const std::string& counter, std::uint64_t count);
  static Finding ports(const gateway::ServerStatus& server, std::uint32_t local_ports, std::uint64_t found_none);

  base::Time at_;
  std::map<Key, Case> cases_;
  std::map<std::string, std::uint64_t> counters_;
  std::map<std::string, std::uint64_t> counters_before_;
  std::vector<AlarmChange> changes_;
};

}  // namespace holdfast::admin
