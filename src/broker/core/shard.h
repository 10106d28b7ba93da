// broker/core/shard.h: a worker's share of the broker: its clients, their sessions and subscriptions, all retained
// messages; and how it works together with the other shards of the node.
//
// Thread: the worker's. PURE: bytes and values in, calls to Ports out; time is an argument.
// Sessions: a client id belongs to one shard as long as it has a session; which one, the shard that the id's hash names
//          knows (claims.h). Connections come to their session, so sessions never move.
// Messages: what a client publishes is matched once on its shard, against its own subscriptions and against the filters
//          of the other shards (route_table.h); each shard that wants the message gets one reference to it. Retained
//          messages go to all shards, which keep and match them in one step, so that no subscriber misses one.
// Order:   what one client publishes to one topic reaches each subscriber in that order.
// Answers: CONNACK, SUBACK and PUBACK follow a completion: claimed, routes seen, taken. On one shard these come at
// once. Limits:  kShardsMax shards; limits.h for what a client may do; SessionLimits for what waits for it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/slab.h"
#include "broker/core/claims.h"
#include "broker/core/client.h"
#include "broker/core/end_reason.h"
#include "broker/core/flat_text.h"
#include "broker/core/hashed_topic.h"
#include "broker/core/hooks.h"
#include "broker/core/ports.h"
#include "broker/core/retained_tree.h"
#include "broker/core/route_table.h"
#include "broker/core/session.h"
#include "broker/core/shard_counters.h"
#include "broker/core/shard_settings.h"
#include "broker/core/share_groups.h"
#include "broker/core/topic_tree.h"
#include "broker/core/will_registry.h"
#include "wire/mqtt/decode.h"

namespace holdfast::broker {

inline constexpr std::chrono::seconds kWillHeldBack{1};  // until the gate is asked again
inline constexpr std::uint32_t kNoPlace = ~0U;

// A connection that has been let in and comes to its session.
struct Newcomer {
  base::Key link;
  const wire::mqtt::Connect& connect;
  const ListenerLimits& limits;
  std::string_view client_id;
  std::string_view user;     // vouched for; empty: nobody in particular
  bool is_assigned = false;  // the client left it to us
  base::PeerAddress address;
  ClaimToken token = 0;                       // of its CONNECT
  std::span<const std::byte> auth_data = {};  // with which its authentication method ends; for CONNACK
};

class Shard final : private Ledger, private Announcer {
 public:
  Shard(const ShardSettings& settings, unsigned number, Ports& ports, ShardCounters& counters);
  ~Shard();

  // --- a client comes ---

  // Whether a CONNECT is one that this listener's clients may make; the reason when not.
  [[nodiscard]] std::optional<wire::mqtt::Reason> judge(const wire::mqtt::Connect& connect,
                                                        const ListenerLimits& limits) const;
  [[nodiscard]] std::string new_client_id();
  // Asks where the session of this client id lives; Ports::granted() answers.
  void claim(base::Key link, std::string_view client_id);
  // The grant of a claim will not be used: the connection has gone.
  void give_back(std::string_view client_id);
  // The connection has come to where its session lives: answers CONNECT and goes on with the session, or begins it.
  // The place of the session; kNoPlace when a newer connection was first, and then this one has been ended.
  [[nodiscard]] std::uint32_t attach(const Newcomer& newcomer, base::Time now);

  // --- it lives ---

  void on_packet(std::uint32_t place, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  // Its bytes are no packets: tells it, where the version can, and ends the connection.
  void fail(std::uint32_t place, const wire::mqtt::Fault& fault, base::Time now);
  // The answer of its authentication method, which began after CONNACK. One that nobody waits for is ignored.
  void on_auth_step(std::uint32_t place, const AuthStep& step, base::Time now);
  // There is room again after Ports::ready() said no.
  void on_room(std::uint32_t place, base::Time now);
  // How long it may say nothing; 0: for ever.
  [[nodiscard]] std::chrono::milliseconds silence_max(std::uint32_t place);
  void on_silence(std::uint32_t place, base::Time now);
  // The connection has gone without a word.
  void on_lost(std::uint32_t place, EndReason reason, base::Time now);
  // Ends the connection of a client, if it has one here.
  bool kick(std::string_view client_id, wire::mqtt::Reason reason, EndReason why, base::Time now);

  // --- the node ---

  void on_mail(unsigned from, Mail mail, base::Time now);
  // Publishes in the name of the broker itself.
  void publish(const Message::Parts& parts, base::Time now);
  // Does what is due. Returns when to be called next, at the latest.
  base::Time tick(base::Time now);
  // Tells every client that the node stops; their sessions stay as they are.
  void stop(base::Time now);

  [[nodiscard]] std::string_view client_id(std::uint32_t place) { return places_[place].session.client_id(); }
  [[nodiscard]] std::string_view user_name(std::uint32_t place) { return places_[place].session.user_name(); }
  [[nodiscard]] std::size_t sessions() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t claims() const noexcept { return claims_.size(); }  // that this shard orders
  // Brings the gauges up to date.
  void tell_sizes();

 private:
  enum class WillNow : bool { no, yes };
  enum class ScanState : std::uint8_t { done, more, blocked };

  // Retained messages on their way to a new subscriber, at its own pace.
  struct Scan {
    std::string subscription;  // as the session has it
    std::string filter;
    SubscriptionOptions options;
    RetainedTree::Cursor cursor;
  };
  // So that who is told of a session finds its place.
  struct Housed : Session {
    Housed(Session&& begun) : Session(std::move(begun)) {}  // NOLINT(google-explicit-constructor)
    std::uint32_t place = kNoPlace;
  };
  // One session and, while there is one, its client.
  struct Place {
    explicit Place(Session&& begun) : session(std::move(begun)) {}

    Housed session;
    std::unique_ptr<Client> client;
    WillNumber will = 0;  // waits for its delay
    std::unique_ptr<std::deque<Scan>> scans;
    FlatText mountpoint;
    ClaimToken token = 0;     // of the newest client that has had it
    std::uint64_t due = 0;    // names the deadline that counts: older ones are void
    std::uint64_t match = 0;  // the match that met it last, and where that noted it
    std::uint32_t hit = 0;
    bool is_scanning = false;  // it is in scanning_
  };
  static constexpr std::uint32_t kNoId = ~0U;
  // One receiver of a message, made of all its subscriptions that match.
  struct Hit {
    std::uint32_t place = 0;
    Qos qos = Qos::at_most_once;
    bool retain_as_published = false;
    std::uint32_t first_id = kNoId;
  };
  struct HitId {
    std::uint32_t id = 0;
    std::uint32_t next = kNoId;
  };
  // Who waits for a message to be taken.
  struct Ticket {
    base::Key place;
    std::uint32_t number = 0;
  };
  struct Due {
    enum class What : std::uint8_t { session_end, will, delayed };
    base::Time at;
    What what{};
    std::uint64_t serial = 0;
    base::Key place;
    friend bool operator<(const Due& a, const Due& b) { return a.at > b.at; }  // the soonest is on top
  };
  // A SUBSCRIBE that waits until the other shards know its filters.
  struct PendingSuback {
    struct Exclusive {
      std::uint32_t index = 0;  // of its code
      std::string filter;
      SubscriptionOptions options;
    };
    std::uint64_t ticket = 0;
    base::Key place;
    base::Key link;
    std::uint16_t packet_id = 0;  // 0: nobody waits for SUBACK
    bool has_new_routes = false;
    unsigned waits_for = 0;  // answers
    std::vector<wire::mqtt::Reason> codes;
    std::vector<Exclusive> exclusive;  // asked for
    std::vector<Scan> scans;           // for their retained messages
  };
  // Who has a topic for itself.
  struct Holder {
    unsigned shard = 0;
    base::Key session;
    friend bool operator==(const Holder&, const Holder&) = default;
  };

  // connecting.cc
  void settle(std::string_view client_id, Claims::Outcome outcome);
  void release(std::string_view client_id);
  [[nodiscard]] static std::optional<wire::mqtt::Reason> refusal_of(const Newcomer& newcomer,
                                                                    std::string_view mountpoint);
  void reject(const Newcomer& newcomer, wire::mqtt::Reason reason, EndReason why);
  std::uint32_t begin_session(const Newcomer& newcomer, std::string_view mountpoint);
  [[nodiscard]] static std::uint32_t place_of(const Session& session) noexcept;
  void welcome(std::uint32_t at, const Newcomer& newcomer, bool present, base::Time now);
  [[nodiscard]] std::unique_ptr<Client> client_of(const Newcomer& newcomer, const Place& place);
  [[nodiscard]] WillNumber will_of(const Newcomer& newcomer, const Place& place);
  [[nodiscard]] static bool takes_connack(const wire::mqtt::Connect& connect, const ListenerLimits& limits);
  [[nodiscard]] static bool takes_connack(const Newcomer& newcomer);
  [[nodiscard]] static wire::mqtt::Connack connack_of(const Newcomer& newcomer, wire::mqtt::Seconds expiry,
                                                      bool present);
  void take_over(std::uint32_t at, base::Time now);
  void send_away(std::uint32_t at, wire::mqtt::Reason reason, const char* what, EndReason why, base::Time now);
  void end_client(std::uint32_t at, EndReason reason, WillNow will, base::Time now);
  void detach(std::uint32_t at, EndReason reason, WillNow will, base::Time now);
  void discard_session(std::uint32_t at, told::SessionEnded::Why why, base::Time now);
  void fire(WillNumber number, base::Time now);
  // Connected or Gone: what hooks announce now is published at once.
  void tell(const HookEvent& event, base::Time now);
  void auto_subscribe(std::uint32_t at, base::Time now);

  // packets.cc
  void on_ack(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  void on_disconnect(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  void on_auth(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);

  // publishing.cc
  void on_publish(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  [[nodiscard]] wire::mqtt::Reason accept(Place& place, const wire::mqtt::Publish& publish, std::string_view topic,
                                          base::Time now);
  // Whether a topic is above what the listener allows: then it is no fault, and it is not accepted.
  [[nodiscard]] static std::optional<RefusedTopic> beyond(const ListenerLimits& limits,
                                                          std::string_view topic) noexcept;
  wire::mqtt::Reason refuse_topic(RefusedTopic reason);
  void take_properties(Message::Parts& parts, const wire::mqtt::Properties& properties, base::Time now);
  void on_taken(const Ticket& ticket, wire::mqtt::Reason reason, base::Time now);
  void denied(std::uint32_t at, base::Time now);
  [[nodiscard]] wire::mqtt::Reason delay(const Message::Parts& parts, std::chrono::seconds delay, base::Time now);
  [[nodiscard]] MessageId next_id() noexcept;
  void publish_message(const MessageRef& message, base::Time now);
  wire::mqtt::Reason publish_parts(const Message::Parts& parts, base::Time now);
  void find_receivers(const HashedTopic& topic, std::uint64_t publisher);
  void add_hit(Place& place, const Subscription& subscription, std::uint64_t publisher);
  wire::mqtt::Reason hand_out(const MessageRef& message, base::Time now);
  void deliver(const MessageRef& message, const Hit& hit, base::Time now);
  void note(const Place& place, const Outcome& outcome);
  void end_doomed(base::Time now);
  void keep_retained(const MessageRef& message, const Version& version, base::Time now);
  void forward(const MessageRef& message, const Version& version);
  void receive(Forward&& forward, base::Time now);
  void tell_published(const told::Who& from, const Message::Parts& parts, std::chrono::seconds delay);

  // subscribing.cc
  void on_subscribe(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  [[nodiscard]] static const wire::mqtt::Fault* fault_of(const wire::mqtt::FilterList& filters);
  [[nodiscard]] bool is_in_use(const Place& place, std::uint16_t packet_id) const;
  void refuse_packet_id(std::uint32_t at, std::uint16_t packet_id, std::size_t filters, wire::mqtt::PacketType answer);
  [[nodiscard]] PendingSuback pending_for(std::uint32_t at, std::uint16_t packet_id);
  [[nodiscard]] std::string effective(const Session& session, std::string_view filter);
  [[nodiscard]] wire::mqtt::Reason subscribe(std::uint32_t at, std::string_view asked,
                                             const SubscriptionOptions& options, PendingSuback& pending);
  void make_subscription(std::uint32_t at, const std::string& filter, const SubscriptionOptions& options,
                         PendingSuback& pending);
  [[nodiscard]] std::optional<wire::mqtt::Reason> refusal_of(const Place& place, std::string_view filter,
                                                             const ShareRead& share);
  void on_unsubscribe(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now);
  bool unsubscribe(std::uint32_t at, const std::string& filter);
  [[nodiscard]] static const SubscriptionOptions* find_twin(const Session& session, std::string_view filter);
  void wait_for_answers(PendingSuback pending, base::Time now);
  void on_answer(std::uint64_t ticket, base::Time now);
  void finish(PendingSuback& pending, base::Time now);
  void scan_soon(std::uint32_t at);
  bool go_on_scanning(base::Time now);
  [[nodiscard]] ScanState go_on(Place& place, base::Time now);
  [[nodiscard]] ScanState go_on(Place& place, Scan& scan, base::Time now);
  [[nodiscard]] wire::mqtt::Reason ask_exclusive(std::uint32_t at, const std::string& filter,
                                                 const SubscriptionOptions& options, PendingSuback& pending);
  void on_exclusive(const ExclusiveAnswer& answer, base::Time now);
  [[nodiscard]] bool take_exclusive(std::string_view topic, const Holder& holder);
  void release_exclusive(std::string_view topic, base::Key session);
  void give_exclusive(std::string_view topic, const Holder& holder);

  // sharing.cc
  [[nodiscard]] std::uint64_t group_key(std::string_view name, std::string_view filter) const noexcept;
  // The groups of two mountpoints are two, also where their filters come to the same: NAME, or NAME/MOUNTPOINT.
  [[nodiscard]] static std::string group_name(const Place& place, std::string_view share_name);
  [[nodiscard]] std::string_view mountpoint_of(ShareGroups::Group group) const noexcept;
  void join(std::uint32_t at, std::string_view share_name, std::string_view filter, const SubscriptionOptions& options);
  void part_from(std::uint32_t at, std::string_view share_name, std::string_view filter);
  void know_group(ShareGroups::Group group);
  void forget_group(ShareGroups::Group group, std::string_view name, std::string_view filter);
  void tell_group(ShareGroups::Group group);
  void tell_group(std::string_view name, std::string_view filter, const ShareGroups::Counts& counts);
  void tell_busy_groups();
  void on_group(unsigned from, const GroupCount& told);
  template <typename Visit>
  void for_each_group(const Place& place, Visit&& visit) const;
  void set_presence(std::uint32_t at, Presence presence);
  enum class Stays : bool { no, yes };
  // To a member here, or noted in picks_ for the shard that is picked.
  void deliver_to_group(const MessageRef& message, ShareGroups::Group group, base::Time now);
  void deliver_to_group_from_elsewhere(const MessageRef& message, std::uint64_t key, base::Time now);
  void mail_to_group(const MessageRef& message, ShareGroups::Group group, unsigned shard);
  void deliver_to(const MessageRef& message, const Subscription& member, ShareGroups::Group group, base::Time now);
  [[nodiscard]] ShareGroups::Draw draw_of(const Message& message) const;
  // Nobody where only such would be picked as may not have it: members that are there come first.
  [[nodiscard]] ShareGroups::Pick pick_another(std::uint32_t at, const Message& message, ShareGroups::Group group,
                                               Stays stays);
  void note_in_flight(const Session& session, ShareGroups::Group group);
  void redistribute(std::uint32_t at, Stays stays, base::Time now);
  // What waits for members that are away goes to those who are there: when somebody comes to a group that had nobody,
  // as much as its queue holds, and more of it each time that it is empty. So nothing is dropped to make room for it.
  struct Room {
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };
  enum class Rest : bool { none, some };
  void wake(ShareGroups::Group group);
  void take_what_waits(base::Time now);
  void take_what_waits(ShareGroups::Group group, base::Time now);
  [[nodiscard]] Room room_of(ShareGroups::Group group);
  [[nodiscard]] Rest give_what_waits(ShareGroups::Group group, unsigned to, Room& room, base::Time now);
  void on_group_room(unsigned from, const GroupRoom& told, base::Time now);
  void on_group_rest(const GroupRest& told);

  // Ledger
  void dropped(const Session& session, const Message& message, DropReason reason) override;
  void settled(const Session& session, std::uint32_t share_group) override;
  void acknowledged(const Session& session, const OutItem& copy) override;

  // Announcer
  [[nodiscard]] bool is_wanted(std::string_view topic) override;
  void announce(const Message::Parts& parts) override;

  // shard.cc
  void due(Due::What what, base::Time at, std::uint64_t serial, base::Key place);
  void forget_void_dues();
  [[nodiscard]] bool is_void(const Due& due);
  void on_due(const Due& due, base::Time now);
  [[nodiscard]] static told::Who who(const Session& session) noexcept {
    return {session.client_id(), session.user_name()};
  }
  [[nodiscard]] Context context(Place& place, base::Time now) { return {place.client.get(), *this, now}; }
  [[nodiscard]] static std::string_view with_mountpoint(const Place& place, std::string_view name, std::string& made);
  [[nodiscard]] static std::string mounted(const Place& place, std::string_view filter);
  [[nodiscard]] unsigned orders(std::string_view name) const noexcept;
  void mail_all(const Mail& mail);

  using Ids = boost::unordered_flat_map<std::string_view, std::uint32_t, TextHash, std::equal_to<>>;

  const ShardSettings& settings_;
  const unsigned number_;
  Ports& ports_;
  ShardCounters& counters_;
  const HookList hooks_;
  std::optional<base::Time> announcing_;  // since when hooks may; mostly they may not
  Client::Tools tools_;

  base::Slab<Place> places_;
  Ids ids_;  // views into the sessions
  Claims claims_;
  TopicTree tree_;        // subscriptions of one client each
  TopicTree group_tree_;  // shared ones: a group is one subscriber
  RouteTable routes_;     // of the other shards
  RetainedTree retained_;
  ShareGroups groups_;
  WillRegistry wills_;
  base::Random random_;

  std::uint64_t last_message_ = 0;
  std::uint64_t last_version_ = 0;  // of retained messages
  std::uint64_t last_due_ = 0;
  std::uint64_t last_ticket_ = 0;

  // Of the message that is being matched.
  std::uint64_t match_ = 0;
  std::vector<Hit> hits_;
  std::vector<HitId> hit_ids_;
  std::vector<ShareGroups::Group> hit_groups_;
  std::vector<std::vector<std::uint64_t>> picks_;  // by shard: keys of the groups it is to serve
  std::vector<std::uint32_t> ids_scratch_;
  ShardMask wanting_shards_ = 0;
  struct Doomed {
    base::Key place;
    base::Key link;
  };
  std::vector<Doomed> doomed_;  // clients whose queue was full
  bool stopping_ = false;
  base::Time swept_;
  wire::mqtt::Publish publish_;
  wire::mqtt::Bytes forwarded_;
  std::string made_;

  std::vector<Due> dues_;         // a heap
  std::size_t dues_checked_ = 0;  // so many were left when void ones were last thrown away
  boost::unordered_flat_map<std::uint64_t, MessageRef> delayed_;
  boost::unordered_flat_map<std::uint64_t, PendingSuback> pending_;
  // Packet identifiers of SUBSCRIBE packets in pending_, with the connection.
  boost::unordered_flat_set<std::pair<std::uint64_t, std::uint16_t>> pending_ids_;
  boost::unordered_flat_map<std::uint64_t, ShareGroups::Group> group_keys_;  // how shards name groups to each other
  boost::unordered_flat_set<ShareGroups::Group> busy_groups_;  // in which more or less is under way than was told
  boost::unordered_flat_set<ShareGroups::Group> woken_;        // whose members here take what waits for others
  bool has_woken_ = false;                                     // one of them just now
  std::deque<base::Key> scanning_;                             // places whose scans can go on
  boost::unordered_flat_map<std::string, Holder, TextHash, std::equal_to<>> exclusive_;  // by topic
};

}  // namespace holdfast::broker
