// broker/core/share_groups.h: shared subscriptions: which member of a group gets a message.
//
// A group is a name and a filter: the same name with another filter is another group. Each worker knows every group:
// its own members one by one, those of the other workers as counts. In the topic tree a group is the one subscriber
// `kGroupBit | group`. Whoever has a message to give asks pick(): it names a member here, or a worker, who then asks
// his pick_here(). Only turns are remembered of a pick, so it may be asked again with those excluded who were tried.
//= MQTT5 4.8.2
//
// Who is offline is passed over while anybody in the group, on any worker, is online; dead members have left.
// Strategies, over all workers (weights are counts of members):
//   round_robin     in turn; with counts that stand still every member gets the same, give or take one a picking worker
//   random          anybody
//   sticky          whoever it was last, while online; another by chance then. Each picking worker sticks to its own.
//   hash_client     by the publisher's client id; few clients move when members come and go. Rendezvous hashing
//                   (Thaler, Ravishankar 1998), weighted between workers (Schindelhauer, Schomaker 2005)
//   hash_topic      by the topic, likewise
//   least_inflight  who has fewest messages under way; of several, in turn. Other workers by what they said last, and
//                   what they were given since.
// Thread: one owner. Cost: a pick is O(workers), and O(members here) for hashes and least_inflight and when somebody
//         was tried; it allocates nothing. Changes of a member O(1).
// Memory: 35 to 70 bytes a member, about 250 a group.
// Limits: kGroupBit groups, kWorkersMax workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "broker/core/flat_table.h"
#include "broker/core/keyed_hash.h"
#include "broker/core/subscription.h"

namespace holdfast::broker {

enum class ShareStrategy : std::uint8_t { round_robin, random, sticky, hash_client, hash_topic, least_inflight };
enum class Presence : std::uint8_t { online, offline };

class ShareGroups {
 public:
  using Group = std::uint32_t;
  using Worker = std::uint32_t;

  static constexpr Worker kWorkersMax = 64;

  struct Settings {
    HashKey key;  // the same on all workers, so that they agree on hashes
    ShareStrategy strategy = ShareStrategy::round_robin;
    Worker self = 0;         // which worker this is
    std::uint64_t seed = 0;  // of what is left to chance
  };
  struct Member {
    Subscription subscription;  // `subscriber` is the session's index
    std::uint64_t key = 0;      // keyed hash of the member's client id: where it stands for hash strategies
    Presence presence = Presence::online;
  };
  // What a worker tells the others of its members.
  struct Counts {
    std::uint32_t online = 0;
    std::uint32_t offline = 0;
    std::uint32_t in_flight_least = 0;  // of those online

    friend bool operator==(const Counts&, const Counts&) = default;
  };

  explicit ShareGroups(const Settings& settings);
  ShareGroups(const ShareGroups&) = delete;
  ShareGroups& operator=(const ShareGroups&) = delete;

  // `is_new`: the group was not there before, subscribe it to its filter. Whoever is a member already gets new options.
  struct Joined {
    Group group = 0;
    bool is_new = false;
    bool is_new_member = false;
  };
  Joined join(std::string_view name, std::string_view filter, const Member& member);

  // `gone`: it was the last of all, here and elsewhere, and the group's number means nothing any more: unsubscribe it.
  enum class Left : std::uint8_t { not_there, left, gone };
  Left leave(Group group, std::uint32_t subscriber);

  // The counts of another worker; both 0 when it has nobody left. Nothing is made for a group that nobody has.
  struct Told {
    std::optional<Group> group;  // none: not known, and not needed
    bool is_new = false;
    bool is_gone = false;
  };
  Told tell(std::string_view name, std::string_view filter, Worker worker, const Counts& counts);

  // No-ops for who is no member.
  void set_presence(Group group, std::uint32_t subscriber, Presence presence);
  void set_in_flight(Group group, std::uint32_t subscriber, std::uint32_t in_flight);

  [[nodiscard]] std::optional<Group> find(std::string_view name, std::string_view filter) const noexcept;
  // Of living groups.
  [[nodiscard]] std::string_view name(Group group) const noexcept;
  [[nodiscard]] std::string_view filter(Group group) const noexcept;
  [[nodiscard]] Counts counts_here(Group group) const noexcept;               // O(members here)
  [[nodiscard]] Counts counts_of(Group group, Worker worker) const noexcept;  // as another worker has told
  [[nodiscard]] std::uint32_t online(Group group) const noexcept;             // on all workers, O(workers)
  // Calls visit(std::uint32_t subscriber) for each member here that is there, or away. `visit` must not change who is.
  template <typename Visit>
  void for_each_member(Group group, Presence presence, Visit&& visit) const {
    const Record& record = *groups_[group];
    const auto members = static_cast<std::uint32_t>(record.members.size());
    const std::uint32_t end = presence == Presence::online ? record.online : members;
    for (std::uint32_t i = presence == Presence::online ? 0 : record.online; i < end; ++i) {
      visit(record.members[i].subscription.subscriber);
    }
  }
  // The other workers that have members who are away.
  [[nodiscard]] std::vector<Worker> workers_with_absent(Group group) const;

  struct Tried {
    std::span<const std::uint32_t> members;  // subscribers here
    std::uint64_t workers = 0;               // bit n: worker n
  };
  struct Draw {
    std::uint64_t client_hash = 0;  // keyed, of the publisher's client id
    std::uint64_t topic_hash = 0;   // keyed
    Tried tried;
  };
  struct Pick {
    enum class Kind : std::uint8_t { nobody, member, worker };

    Kind kind = Kind::nobody;
    Subscription subscription;  // of a member
    Worker worker = 0;
    Presence presence = Presence::online;  // of who was picked
  };
  [[nodiscard]] Pick pick(Group group, const Draw& draw);
  [[nodiscard]] Pick pick_here(Group group, const Draw& draw);  // for who was named by pick() elsewhere

  [[nodiscard]] std::size_t size() const noexcept { return groups_alive_; }
  [[nodiscard]] std::size_t members() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  // Calls visit(Group) for each living group.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (Group group = 0; group < groups_.size(); ++group) {
      if (groups_[group] != nullptr) visit(group);
    }
  }

 private:
  struct Place {  // where a member of a group stands
    std::uint32_t hash = 0;
    std::uint32_t position = 0;
  };
  struct Named {
    std::uint32_t hash = 0;
    Group group = 0;
  };
  struct Here {
    Subscription subscription;
    std::uint32_t in_flight = 0;
    std::uint64_t key = 0;
  };
  struct Elsewhere {
    Worker worker = 0;
    Counts counts;
    std::uint32_t given = 0;  // messages since the counts came
  };
  struct Record {
    std::string text;  // NAME/FILTER
    std::uint32_t name_bytes = 0;
    std::uint32_t online = 0;  // so many of the first members are online
    std::vector<Here> members;
    std::vector<Elsewhere> elsewhere;
    std::uint32_t turn = 0;       // between workers
    std::uint32_t turn_here = 0;  // between members
    std::optional<std::uint32_t> stuck_to_member;
    std::optional<Worker> stuck_to_worker;
  };
  struct Choice;

  [[nodiscard]] std::uint32_t name_hash(std::string_view name, std::string_view filter) const noexcept;
  [[nodiscard]] Place* find_place(Group group, std::uint32_t subscriber) noexcept;
  Group make(std::string_view name, std::string_view filter);
  [[nodiscard]] bool drop_if_empty(Group group);
  void swap_members(Group group, std::uint32_t a, std::uint32_t b);
  [[nodiscard]] static std::uint32_t place_hash(Group group, std::uint32_t subscriber) noexcept;

  [[nodiscard]] ShareStrategy strategy_for(const Choice& choice) const noexcept;
  [[nodiscard]] Pick picked(const Choice& choice);
  [[nodiscard]] Elsewhere* choose_worker(const Choice& choice);
  [[nodiscard]] std::uint32_t choose_member(const Choice& choice);
  [[nodiscard]] Elsewhere* stick_to_worker(const Choice& choice);
  [[nodiscard]] std::uint32_t stick_to_member(const Choice& choice);
  [[nodiscard]] Elsewhere* worker_of_hash(const Choice& choice, std::uint64_t hash) const noexcept;
  [[nodiscard]] static std::uint32_t member_of_hash(const Choice& choice, std::uint64_t hash) noexcept;
  [[nodiscard]] static Elsewhere* least_loaded_worker(const Choice& choice);
  [[nodiscard]] static std::uint32_t least_loaded_member(const Choice& choice) noexcept;
  [[nodiscard]] static std::uint32_t take_turn(const Choice& choice, std::uint32_t position) noexcept;

  HashKey key_;
  ShareStrategy strategy_;
  Worker self_;
  base::Random random_;
  std::vector<std::unique_ptr<Record>> groups_;
  std::vector<Group> free_;
  FlatTable<Named> names_;
  FlatTable<Place> places_;
  std::size_t groups_alive_ = 0;
};

}  // namespace holdfast::broker
