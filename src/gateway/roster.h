// gateway/roster.h: the servers of one pool, and what each is good for now: what the configuration, discovery, probes,
// agents and the failures of clients say of them, put together.
//
// Thread: control. No clock, no sockets: time and results come in, a Pool for the workers and a status come out.
// Life:   a server that stays on the list keeps everything: live counts, health, slow start, whatever else changes. One
//         that left stays in the pool without new connections until its last one has ended.
// Words:  UP, DOWN, DRAIN and MAINT are HAProxy's. UP takes connections; DOWN does not, because it seems broken; DRAIN
//         and MAINT do not, because somebody wants it so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "config/settings.h"
#include "gateway/pools.h"
#include "gateway/server_slots.h"
#include "gateway/status.h"
#include "health/probe.h"
#include "policy/health_judge.h"
#include "policy/outlier_judge.h"
#include "policy/panic.h"
#include "policy/slow_start.h"

namespace holdfast::gateway {

class Roster {
 public:
  enum class Origin : std::uint8_t { configured, discovered };

  // Who is told that a server has come, has another address, or is no longer asked after. A slot names a server.
  class Watcher {
   public:
    virtual void joined(std::uint16_t slot, const base::Endpoint& address) = 0;
    virtual void moved(std::uint16_t slot, const base::Endpoint& address) = 0;
    virtual void left(std::uint16_t slot) = 0;
    // A probe should be made soon: clients have trouble with a server that passes.
    virtual void doubted(std::uint16_t slot, const net::SocketAddress& at) = 0;

   protected:
    ~Watcher() = default;
  };

  // `watcher` is told of nothing before the first set_servers().
  Roster(const config::Pool& settings, ServerSlots& slots, PoolLoad& load, Watcher& watcher, base::Time now);

  // The servers of one origin, all of them. The first list of the process is in service at once; whoever comes later
  // starts slowly. Servers beyond ServerSlots are left out, with a line in the log.
  void set_servers(Origin origin, const std::vector<config::Server>& servers, base::Time now);
  // From here on servers that come start slowly.
  void opened() noexcept { open_ = true; }

  // What a server's address stands for. False when that is nothing new.
  bool set_addresses(std::uint16_t slot, std::vector<net::SocketAddress> addresses, base::Time now);
  // Returns how long after the beginning of this probe the next one begins.
  [[nodiscard]] std::chrono::milliseconds probed(std::uint16_t slot, const health::Outcome& outcome, base::Time now);
  void agent_said(std::uint16_t slot, const health::AgentReply& reply, base::Time now);
  // The agent beside the check gave no answer, or none that an agent gives: what it said before still holds.
  void agent_silent(std::uint16_t slot, const std::string& error);
  void connect_failed(std::uint16_t slot, const std::string& error, base::Time now);
  void closed_early(std::uint16_t slot, base::Time now);
  // `source`: index in pool.source_addresses.
  void source_unusable(std::uint8_t source, base::Time now);
  // Time passes: slow starts go on, ejections end, those that left and are empty go.
  void tick(base::Time now);

  // Whether build() would yield something else than the last time.
  [[nodiscard]] bool is_changed() const noexcept { return changed_; }
  [[nodiscard]] std::shared_ptr<const Pool> build(base::Time now);

  [[nodiscard]] std::vector<ServerStatus> status(base::Time now) const;
  [[nodiscard]] const char* policy_name() const noexcept;
  [[nodiscard]] bool in_panic() const noexcept { return panic_.in_panic(); }
  [[nodiscard]] const config::Pool& settings() const noexcept { return settings_; }

 private:
  enum class Mode : std::uint8_t { ready, drain, maint };

  struct Member {
    config::Server settings;
    Origin origin = Origin::configured;
    std::uint16_t slot = kNoServer;
    std::vector<net::SocketAddress> addresses;  // those that can be reached
    bool out_of_reach = false;                  // it has addresses, but no source address is of their family
    std::optional<policy::HealthJudge> judge;   // none without probes
    Mode mode = Mode::ready;
    std::string mode_cause;
    std::uint32_t agent_percent = 100;
    std::optional<std::uint32_t> agent_max_connections;
    std::string agent_down;   // why, from when an agent beside the check says down until it says up
    std::string agent_error;  // why the agent beside the check was not heard the last time
    std::string eject_cause;
    std::uint64_t ejections = 0;
    bool leaving = false;
    bool serving = false;                  // as last told to the log and to the workers
    base::Time since{};                    // when `serving` last changed
    std::optional<base::Time> ramp_began;  // in slow start
    std::uint32_t ramp_step = 0;           // as last told to the workers
    std::optional<base::Time> closing_began;
    Closing closing = Closing::no;  // as last told to the workers
    base::Time last_probe{};
    std::chrono::microseconds probe_took{};
    base::Time last_doubt{};
    base::Time last_spared{};  // when the log was told
    std::string shown;         // the state as last logged
  };

  Member* find(std::uint16_t slot) noexcept;
  [[nodiscard]] const Member* find(std::uint16_t slot) const noexcept;
  void set_server(Member& member, Origin origin, const config::Server& server);
  // False when there is no slot left.
  [[nodiscard]] bool join(Origin origin, const config::Server& server, base::Time now);
  void update(Member& member, const config::Server& server);
  bool set_addresses(Member& member, std::vector<net::SocketAddress> addresses);
  void set_literal_address(Member& member);
  [[nodiscard]] std::vector<net::SocketAddress> reachable(std::vector<net::SocketAddress> addresses) const;
  void leave(Member& member, base::Time now);
  void drop_empty(base::Time now);

  void trouble(Member& member, const std::string& what, base::Time now);
  void doubt(Member& member, base::Time now);
  void believe(Member& member, const health::AgentReply& reply, base::Time now);
  void obey(Member& member, const health::AgentReply& reply);
  void tell_panic(const policy::PanicJudge::Change& change);
  void tell_unasked(const Member& member, const std::string& reason, base::Time now);
  void judged(Member& member, policy::HealthJudge::Verdict verdict, base::Time now);

  // Looks at a member anew, and logs what has changed; at all of them when one has changed what holds for all.
  void settle(Member& member, base::Time now);
  void review_all(base::Time now);
  void review(Member& member, base::Time now);
  [[nodiscard]] bool is_serving(const Member& member) const;
  [[nodiscard]] bool is_down(const Member& member) const;
  [[nodiscard]] static bool has_no_weight(const Member& member);
  [[nodiscard]] std::string state_text(const Member& member) const;
  [[nodiscard]] std::string cause_text(const Member& member) const;
  void tell_strength();

  [[nodiscard]] policy::Ramp ramp(const Member& member, base::Time now) const;
  [[nodiscard]] std::uint32_t weight(const Member& member, base::Time now) const;
  [[nodiscard]] Closing closing(const Member& member, base::Time now) const;
  void add_to_tier(Pool& pool, std::size_t tier, base::Time now);
  void make_table(Tier& tier, std::size_t number);
  [[nodiscard]] Server server_of(const Member& member, base::Time now) const;

  const config::Pool settings_;
  ServerSlots& slots_;
  PoolLoad& load_;
  Watcher& watcher_;
  std::vector<Member> members_;
  policy::PanicJudge panic_;
  policy::OutlierJudge outliers_;
  std::vector<base::Time> source_told_;  // when it was last said that it is unusable
  base::Time unasked_told_{};            // when it was last said that a check could not be made
  base::Random random_;
  std::array<std::shared_ptr<const policy::MaglevTable>, 2> tables_;
  std::array<std::vector<policy::MaglevTable::Entry>, 2> table_entries_;
  bool open_ = false;
  bool changed_ = true;
  bool panic_changed_ = false;  // since the last look at all
  std::uint32_t serving_ = 0;   // how many members serve
  bool was_strong_ = true;      // some server takes connections, as last logged
};

}  // namespace holdfast::gateway
