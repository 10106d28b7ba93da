// gateway/roster.h: the servers of one pool, and what each is good for now: what the configuration, discovery, probes,
// agents and the failures of clients say of them, put together.
//
// Thread: control. No clock, no sockets: time and results come in, a Pool for the workers and a status come out.
// Life:   a server that stays on the list keeps everything: live counts, health, slow start, whatever else changes. One
//         that left stays in the pool without new connections until its last one has ended.
// Lists:  the file's (configured), those added by command (runtime), discovery's (discovered); of one name the first of
//         them holds. What commands have changed lies on top, in ServerChanges.
// Words:  UP, DOWN, DRAIN and MAINT are HAProxy's. UP takes connections; DOWN does not, because it seems broken; DRAIN
//         and MAINT do not, because somebody wants it so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/log_pause.h"
#include "base/random.h"
#include "config/settings.h"
#include "gateway/pools.h"
#include "gateway/server_changes.h"
#include "gateway/server_slots.h"
#include "gateway/source_indexes.h"
#include "gateway/status.h"
#include "health/probe.h"
#include "policy/health_judge.h"
#include "policy/outlier_judge.h"
#include "policy/panic.h"
#include "policy/slow_start.h"

namespace holdfast::gateway {

class Roster {
 public:
  enum class Origin : std::uint8_t { configured, runtime, discovered };

  // Who is told that a server has come, has another address, or is no longer asked after. A slot names a server.
  class Watcher {
   public:
    virtual void joined(std::uint16_t slot, const base::Endpoint& address) = 0;
    virtual void moved(std::uint16_t slot, const base::Endpoint& address) = 0;
    virtual void left(std::uint16_t slot) = 0;
    // It is in maintenance: not asked until it is resumed.
    virtual void paused(std::uint16_t slot) = 0;
    virtual void resumed(std::uint16_t slot, const net::SocketAddress& at) = 0;
    // A probe should be made soon: clients have trouble with a server that passes.
    virtual void doubted(std::uint16_t slot, const net::SocketAddress& at) = 0;

   protected:
    ~Watcher() = default;
  };

  // `watcher` is told of nothing before the first set_servers().
  Roster(const config::Pool& settings, ServerSlots& slots, PoolLoad& load, Watcher& watcher, base::Time now);

  // The servers of the file or of discovery, all of them. The first list is in service at once; whoever comes later
  // starts slowly. Servers beyond ServerSlots are left out, with a line in the log.
  void set_servers(Origin origin, const std::vector<config::Server>& servers, base::Time now);
  // Other settings, live: health and its progress, ejections and slow starts go on under the new rules. The file's
  // servers are those of `settings`; discovery's go when it has no discovery any more.
  void set_settings(const config::Pool& settings, base::Time now);
  // The pool is no longer in the file: every server leaves.
  void remove_all(base::Time now);

  // Commands. Errors: not_found for a server that is not on the list, exists for one that is; malformed, exhausted.
  [[nodiscard]] base::Result<void> change_server(const std::string& name, const ServerChange& change, base::Time now);
  [[nodiscard]] base::Result<void> add_server(const config::Server& server, base::Time now);
  [[nodiscard]] base::Result<void> remove_server(const std::string& name, base::Time now);
  // What commands have done is undone by the next set_settings().
  void forget_commands() { changes_.forget(); }
  [[nodiscard]] bool has_commands() const noexcept { return !changes_.empty(); }
  [[nodiscard]] std::vector<RuntimeChange> runtime_changes() const;
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
  // It has ended many connections at once: no error of its own, but a reason to ask it.
  void connections_lost(std::uint16_t slot, base::Time now);
  // `source`: index in pool.source_addresses.
  void source_unusable(std::uint8_t source, base::Time now);
  // Time passes: slow starts go on, ejections end, those that left and are empty go.
  void tick(base::Time now);

  // Whether build() would yield something else than the last time.
  [[nodiscard]] bool is_changed() const noexcept { return changed_; }
  [[nodiscard]] std::shared_ptr<const Pool> build(base::Time now);

  // Those that probes ask, in the order of the list, and where.
  struct Asked {
    std::uint16_t slot = kNoServer;
    net::SocketAddress at;
  };
  [[nodiscard]] std::vector<Asked> asked() const;
  [[nodiscard]] bool is_asked(std::uint16_t slot) const;
  [[nodiscard]] bool has_members() const noexcept { return !members_.empty(); }

  [[nodiscard]] std::vector<ServerStatus> status(base::Time now) const;
  [[nodiscard]] bool in_panic() const noexcept { return panic_.in_panic(); }
  [[nodiscard]] const config::Pool& settings() const noexcept { return settings_; }

 private:
  using Servers = std::vector<config::Server>;
  // A server as it is to run.
  struct Listed {
    config::Server server;
    Origin origin = Origin::configured;
  };

  struct Member {
    config::Server settings;
    Origin origin = Origin::configured;
    std::uint16_t slot = kNoServer;
    std::vector<net::SocketAddress> found;      // what its address stands for
    std::vector<net::SocketAddress> addresses;  // those of them that can be reached
    bool out_of_reach = false;                  // it has addresses, but no source address is of their family
    std::optional<policy::HealthJudge> judge;   // none without probes
    ServerOrder order;                          // an operator's
    std::uint64_t ended_before = 0;             // connections, when it began to drain; for DrainStatus::closed
    ServerMode agent_mode = ServerMode::ready;
    std::string agent_cause;
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
    base::LogPause spared_pause;
    std::string shown;  // the state as last logged
  };

  Member* find(std::uint16_t slot) noexcept;
  [[nodiscard]] const Member* find(std::uint16_t slot) const noexcept;
  [[nodiscard]] Member* find(const std::string& name) noexcept;  // on the list, not leaving
  // The lists and the commands on top of them, made true.
  void relist(base::Time now);
  [[nodiscard]] std::vector<Listed> listed();
  void sort(const std::vector<Listed>& wanted);
  void number_places();
  // As the file or discovery has it; null when neither does.
  [[nodiscard]] const config::Server* as_listed(const std::string& name) const noexcept;
  // False when there is no slot left.
  [[nodiscard]] bool join(const Listed& listed, base::Time now);
  void update(Member& member, const Listed& listed, base::Time now);
  void rejoin(Member& member, const config::Server& server);
  void give_order(Member& member, const ServerOrder& order, base::Time now);
  void enter_maintenance(Member& member);
  void leave_maintenance(Member& member, base::Time now);
  bool set_addresses(Member& member, std::vector<net::SocketAddress> addresses);
  void set_literal_address(Member& member);
  [[nodiscard]] std::vector<net::SocketAddress> reachable(std::vector<net::SocketAddress> addresses) const;
  void leave(Member& member, base::Time now);
  void begin_closing(Member& member, base::Time now);
  void note_drain(Member& member);
  void drop_empty(base::Time now);

  void set_health(const std::optional<config::Health>& before, base::Time now);
  void stretch_slow_starts(base::Duration before, base::Time now);
  void forget_agents();
  void set_sources();
  [[nodiscard]] bool is_source_in_use(std::uint8_t index) const;

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
  [[nodiscard]] static ServerMode mode(const Member& member);
  [[nodiscard]] static Closing ordered_closing(const Member& member, base::Time now);
  [[nodiscard]] Closing closing(const Member& member, base::Time now) const;
  [[nodiscard]] std::optional<DrainStatus> draining(const Member& member, base::Time now) const;
  [[nodiscard]] ServerStatus status_of(const Member& member, base::Time now) const;
  [[nodiscard]] std::vector<SourceStatus> sources_of(const ServerSlot& slot) const;
  void add_to_tier(Pool& pool, std::size_t tier, base::Time now);
  void make_table(Tier& tier, std::size_t number);
  [[nodiscard]] Server server_of(const Member& member, base::Time now) const;

  config::Pool settings_;  // its servers are the file's
  Servers discovered_;
  ServerChanges changes_;
  ServerSlots& slots_;
  PoolLoad& load_;
  Watcher& watcher_;
  std::vector<Member> members_;
  policy::PanicJudge panic_;
  policy::OutlierJudge outliers_;
  std::unordered_set<std::string> shadowed_;  // names of discovered servers that others have, as last logged
  SourceIndexes sources_;
  std::array<base::LogPause, SourceLoads::kMax> source_pauses_;  // for each that is unusable
  base::LogPause unasked_pause_;                                 // for checks that could not be made
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
