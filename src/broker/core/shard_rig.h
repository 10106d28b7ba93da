// broker/core/shard_rig.h: a node of a few shards for tests: no sockets, no threads, and time stands still until told.
//
// Everything that travels can be brought step by step, in any order that the real node allows: what a client says, and
// the mail between shards, in which connections travel too. Without `by_hand` all of it is settled at once.
// Connections are let in as arriving.cc does it; who they are is known at once, unless `identifies_by_hand`.
// Thread: one. Nothing here throws or needs a test framework, so that fuzzers can use it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "broker/core/delayed_room.h"
#include "broker/core/rig_client.h"
#include "broker/core/shard.h"

namespace holdfast::broker {

class ShardRig {
 public:
  using Change = std::function<void(ShardSettings&, ListenerLimits&)>;

  explicit ShardRig(unsigned shards, const Change& change = {}) {
    settings.shards = shards;
    settings.node_name = "rig";
    settings.hash_key = {0x1234, 0x5678};
    limits.name = "rig";
    if (change) change(settings, limits);
    delayed_room_.emplace(settings.delayed_max, settings.delayed_bytes_max);
    for (unsigned i = 0; i < shards; ++i) workers_.push_back(std::make_unique<Worker>(*this, i));
    letters_.resize(std::size_t{shards} * shards);
  }
  ShardRig(const ShardRig&) = delete;
  ShardRig& operator=(const ShardRig&) = delete;

  ShardSettings settings;
  ListenerLimits limits;
  std::map<std::string, ListenerLimits, std::less<>> other_limits;  // by client id, of who comes by another listener
  base::Time now{std::chrono::hours(1)};
  std::vector<std::pair<std::string, wire::mqtt::Reason>> wills_refused;  // of which clients, and why
  bool by_hand = false;             // nothing happens but by step(), bring() and settle()
  bool identifies_by_hand = false;  // who has said CONNECT waits for identify()
  // What the access rules say: everything, unless set.
  std::function<bool(std::string_view client_id, Action action, std::string_view topic)> may;

  // Whether a will may be published now: any, unless set.
  std::function<bool(std::string_view client_id, ClaimToken token)> may_fire;

  // A client whose connections arrive at that shard.
  RigClient& client(std::string id, unsigned shard = 0) {
    return *clients_.emplace_back(std::make_unique<RigClient>(
        std::move(id), shard % settings.shards, [this](std::shared_ptr<RigPipe> pipe) { enter(std::move(pipe)); },
        [this] {
          if (!by_hand) settle();
        }));
  }
  // The same, connected.
  RigClient& connected(std::string id, unsigned shard = 0, const Hello& hello = {}) {
    RigClient& made = client(std::move(id), shard);
    made.connect(hello);
    return made;
  }

  [[nodiscard]] Shard& shard(unsigned number) { return workers_[number]->shard; }
  [[nodiscard]] ShardCounters& counters(unsigned number) { return workers_[number]->counters; }
  [[nodiscard]] unsigned shards() const { return settings.shards; }
  // A number of one shard, added up over all.
  template <typename Of>
  [[nodiscard]] std::int64_t sum(Of&& of) {
    std::int64_t total = 0;
    for (const auto& each : workers_) total += static_cast<std::int64_t>(of(each->counters).value());
    return total;
  }
  [[nodiscard]] std::size_t sessions() {
    std::size_t total = 0;
    for (const auto& each : workers_) total += each->shard.sessions();
    return total;
  }
  // Client ids that somebody holds, or that a connection looks for.
  [[nodiscard]] std::size_t claims() {
    std::size_t total = 0;
    for (const auto& each : workers_) total += each->shard.claims();
    return total;
  }
  [[nodiscard]] std::size_t links() {
    std::size_t total = 0;
    for (const auto& each : workers_) total += each->links.size();
    return total;
  }

  // --- what travels ---

  // Brings the oldest letter from one shard to another; false when there is none.
  bool bring(unsigned from, unsigned to) {
    std::deque<Letter>& letters = letters_[from * settings.shards + to];
    if (letters.empty() || held_ == from * settings.shards + to) return false;
    Letter letter = std::move(letters.front());
    letters.pop_front();
    if (Mail* mail = std::get_if<Mail>(&letter)) {
      workers_[to]->shard.on_mail(from, std::move(*mail), now);
    } else {
      adopt(to, std::move(std::get<Handover>(letter)));
    }
    return true;
  }
  // Mail from one shard to another stays where it is; until let_go().
  void hold(unsigned from, unsigned to) { held_ = from * settings.shards + to; }
  void let_go() {
    held_.reset();
    settle();
  }
  // It has been found out who the client of this connection is: the one whom it says it is.
  void identify(const RigPipe& pipe) {
    Worker& worker = *workers_[pipe.shard];
    const Link* link = pipe.link ? worker.links.find(*pipe.link) : nullptr;
    if (link == nullptr || link->stage != Link::Stage::asking) return;
    const std::string client_id = link->client_id;  // the answer may come at once
    worker.shard.claim(*pipe.link, client_id);
    if (!by_hand) settle();
  }
  // Makes the run of a method; none, unless set. What it answers goes to step_auth() with the same shard and link.
  std::function<std::unique_ptr<AuthMethod>(unsigned shard, base::Key link, const AuthQuestion& question)> begin_auth;
  // An authentication method answers.
  void step_auth(unsigned shard, base::Key key, const AuthStep& step) {
    Worker& worker = *workers_[shard];
    Link* link = worker.links.find(key);
    if (link == nullptr) return;
    if (link->stage == Link::Stage::open) {
      worker.shard.on_auth_step(link->place, step, now);
    } else if (link->exchange && link->exchange->is_asking()) {
      step_before_connack(worker, key, *link, step);
    }
    if (!by_hand) settle();
  }
  // What the client has said comes to the server.
  bool serve(RigClient& client) { return serve(client.pipe); }
  // Brings whatever it hits upon; false when nothing travels.
  bool step(base::Random& random) {
    const auto count = static_cast<std::uint32_t>(letters_.size() + pipes_.size());
    const std::uint32_t first = random.below(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t at = (first + i) % count;
      if (at < letters_.size()) {
        if (bring(at / settings.shards, at % settings.shards)) return true;
      } else if (serve(pipes_[at - letters_.size()])) {
        return true;
      }
    }
    return false;
  }
  // What a turn of a worker's loop ends with. False when it wants to go on at once.
  bool tick(unsigned shard) {
    Worker& worker = *workers_[shard];
    worker.wakes = worker.shard.tick(now);
    return worker.wakes > now;
  }
  // Until nothing travels and nobody has anything to say.
  void settle() {
    if (settling_) return;
    settling_ = true;
    for (bool again = true; again;) {
      again = false;
      for (unsigned from = 0; from < settings.shards; ++from) {
        for (unsigned to = 0; to < settings.shards; ++to) {
          while (bring(from, to)) again = true;
        }
      }
      for (std::size_t i = 0; i < pipes_.size(); ++i) again |= serve(pipes_[i]);
      for (unsigned i = 0; i < settings.shards; ++i) again |= !tick(i);
      for (const auto& each : clients_) again |= each->hear();
      std::erase_if(
          pipes_, [](const auto& pipe) { return pipe->ended || (pipe->client_gone && !pipe->link && !pipe->travels); });
    }
    settling_ = false;
  }
  // Clients read what was sent to them, and answer; what they answer does not travel yet.
  void hear() {
    for (const auto& each : clients_) (void)each->hear();
  }
  // Time passes, and what is due happens.
  void pass(base::Duration duration) {
    const base::Time until = now + duration;
    settle();
    while (true) {
      base::Time next = until + std::chrono::nanoseconds(1);
      for (const auto& each : workers_) next = std::min({next, each->wakes, each->silence_ends()});
      if (next > until) break;
      now = std::max(now, next);
      for (const auto& each : workers_) each->end_silent();
      settle();
    }
    now = until;
    settle();
  }
  // The client takes so many packets more; -1: any number.
  void give_room(RigClient& client, int packets) {
    RigPipe& pipe = *client.pipe;
    pipe.room = packets;
    if (packets == 0 || !pipe.owed || !pipe.link) return;
    pipe.owed = false;
    Worker& worker = *workers_[pipe.shard];
    const Link* link = worker.links.find(*pipe.link);
    if (link != nullptr && link->stage == Link::Stage::open) worker.shard.on_room(link->place, now);
    if (!by_hand) settle();
  }
  void stop() {
    for (const auto& each : workers_) each->shard.stop(now);
    for (const auto& each : clients_) (void)each->hear();
  }

  // The server's record of a connection.
  struct Link {
    enum class Stage : std::uint8_t { connecting, asking, exchanging, open };

    std::shared_ptr<RigPipe> pipe;
    wire::mqtt::Bytes rest = {};     // of a packet that is not whole
    wire::mqtt::Bytes connect = {};  // the whole packet, until it is attached
    std::string client_id = {};
    wire::mqtt::Version version = wire::mqtt::Version::v311;
    Stage stage = Stage::connecting;
    bool is_assigned = false;
    std::unique_ptr<AuthExchange> exchange = nullptr;  // before CONNACK
    std::string user = {};                             // vouched for
    std::vector<std::byte> auth_data = {};
    std::uint32_t place = kNoPlace;
    base::Time heard;
  };

 private:
  struct Handover {
    Link link;
  };
  using Letter = std::variant<Mail, Handover>;

  struct Worker final : Ports {
    Worker(ShardRig& its_rig, unsigned its_number)
        : rig(its_rig), number(its_number), shard(its_rig.settings, its_number, *this, counters) {}

    bool may(base::Key link, Action action, std::string_view topic) override {
      const Link* found = links.find(link);
      return !rig.may || found == nullptr || rig.may(found->client_id, action, topic);
    }
    bool ready(base::Key link) override {
      const Link* found = links.find(link);
      if (found == nullptr) return false;
      if (found->pipe->room != 0) return true;
      found->pipe->owed = true;
      return false;
    }
    void send(base::Key link, std::span<const std::byte> bytes) override {
      Link* found = links.find(link);
      if (found == nullptr) return;
      wire::mqtt::Bytes& out = found->pipe->to_client;
      out.insert(out.end(), bytes.begin(), bytes.end());
    }
    void send(base::Key link, std::span<const std::byte> head, const MessageRef& message) override {
      Link* found = links.find(link);
      if (found == nullptr) return;
      if (found->pipe->room > 0) --found->pipe->room;
      send(link, head);
      send(link, message->payload());
    }
    void end(base::Key link, EndReason reason) override {
      Link* found = links.find(link);
      if (found == nullptr) return;
      found->pipe->ended = reason;
      found->pipe->link.reset();
      links.remove(link);
    }
    bool granted(base::Key link, unsigned holder) override { return rig.granted(number, link, holder); }
    std::unique_ptr<AuthMethod> begin_auth(base::Key link, const AuthQuestion& question) override {
      return rig.begin_auth ? rig.begin_auth(number, link, question) : nullptr;
    }
    bool may_fire(std::string_view client_id, ClaimToken token) override {
      return !rig.may_fire || rig.may_fire(client_id, token);
    }
    bool take_delayed_room(std::size_t bytes) override { return rig.delayed_room_->take(bytes); }
    void give_delayed_room(std::size_t bytes) override { rig.delayed_room_->give(bytes); }
    void will_refused(base::Key /*link*/, std::string_view client_id, wire::mqtt::Reason why) override {
      rig.wills_refused.emplace_back(client_id, why);
    }
    void mail(unsigned to, Mail mail) override {
      rig.letters_[number * rig.settings.shards + to].push_back(std::move(mail));
    }

    [[nodiscard]] base::Time silence_ends() {
      base::Time first = base::Time::max();
      links.for_each([&](base::Key, const Link& link) {
        if (link.stage != Link::Stage::open) return;
        const std::chrono::milliseconds most = shard.silence_max(link.place);
        if (most.count() > 0) first = std::min(first, link.heard + most);
      });
      return first;
    }
    void end_silent() {
      std::vector<std::uint32_t> silent;
      links.for_each([&](base::Key, const Link& link) {
        if (link.stage != Link::Stage::open) return;
        const std::chrono::milliseconds most = shard.silence_max(link.place);
        if (most.count() > 0 && rig.now >= link.heard + most) silent.push_back(link.place);
      });
      for (const std::uint32_t place : silent) shard.on_silence(place, rig.now);
    }

    ShardRig& rig;
    unsigned number;
    ShardCounters counters;
    base::Slab<Link> links;
    base::Time wakes{};
    Shard shard;
  };

  void enter(std::shared_ptr<RigPipe> pipe) {
    const unsigned shard = pipe->shard;
    pipe->link = workers_[shard]->links.add(Link{.pipe = pipe, .heard = now});
    pipes_.push_back(std::move(pipe));
  }

  // Takes what the client has said, or that it has gone. False when there was nothing, or it has to wait.
  bool serve(const std::shared_ptr<RigPipe>& pipe) {
    if (!pipe->link) return false;
    Worker& worker = *workers_[pipe->shard];
    const base::Key key = *pipe->link;
    Link* link = worker.links.find(key);
    if (link->stage != Link::Stage::asking && !pipe->to_server.empty()) {
      const wire::mqtt::Bytes bytes = std::exchange(pipe->to_server, {});
      link->heard = now;
      link->rest.insert(link->rest.end(), bytes.begin(), bytes.end());
      take_packets(worker, key);
      return true;
    }
    if (!pipe->client_gone) return false;
    const bool is_open = link->stage == Link::Stage::open;
    const std::uint32_t place = link->place;
    pipe->link.reset();
    worker.links.remove(key);
    if (is_open) worker.shard.on_lost(place, EndReason::client_closed, now);
    return true;
  }

  void take_packets(Worker& worker, base::Key key) {
    while (true) {
      Link* link = worker.links.find(key);
      if (link == nullptr || link->rest.empty() || link->stage == Link::Stage::asking) return;
      const wire::mqtt::HeaderRead read = wire::mqtt::read_header(link->rest);
      if (!may_go_on(worker, key, *link, read)) return;
      const bool is_whole =
          read.status == wire::mqtt::HeaderStatus::ok && link->rest.size() >= read.header.packet_bytes();
      if (!is_whole) return;
      const auto end = link->rest.begin() + static_cast<std::ptrdiff_t>(read.header.packet_bytes());
      const wire::mqtt::Bytes packet(link->rest.begin(), end);
      link->rest.erase(link->rest.begin(), end);
      const auto body = std::span<const std::byte>(packet).subspan(read.header.header_bytes);
      if (link->stage == Link::Stage::exchanging) {
        take_auth(worker, key, *link, read.header, body);
      } else if (link->stage == Link::Stage::open) {
        worker.shard.on_packet(link->place, read.header, body, now);
      } else {
        take_connect(worker, key, *link, read.header, packet);
      }
    }
  }

  bool may_go_on(Worker& worker, base::Key key, const Link& link, const wire::mqtt::HeaderRead& read) {
    static constexpr wire::mqtt::Fault kTooLarge{wire::mqtt::Reason::packet_too_large, "MQTT5 3.1.2.11.4", "too large"};
    if (read.status == wire::mqtt::HeaderStatus::more) return true;
    const wire::mqtt::Fault* fault = read.fault;
    const bool is_open = link.stage == Link::Stage::open;
    if (fault == nullptr && is_open) {
      fault = wire::mqtt::check_header(read.header, link.version, wire::mqtt::Sender::client);
    }
    if (fault == nullptr && read.header.packet_bytes() > limits.packet_size_max) fault = &kTooLarge;
    if (fault == nullptr) return true;
    if (is_open) {
      worker.shard.fail(link.place, *fault, now);
    } else {
      worker.end(key, EndReason::malformed);
    }
    return false;
  }

  [[nodiscard]] const ListenerLimits& limits_of(std::string_view client_id) const {
    const auto found = other_limits.find(client_id);
    return found == other_limits.end() ? limits : found->second;
  }

  void take_connect(Worker& worker, base::Key key, Link& link, const wire::mqtt::Header& header,
                    const wire::mqtt::Bytes& packet) {
    if (header.type != wire::mqtt::PacketType::connect) return worker.end(key, EndReason::no_connect);
    wire::mqtt::Connect connect;
    const auto body = std::span<const std::byte>(packet).subspan(header.header_bytes);
    const wire::mqtt::Fault* fault = wire::mqtt::decode_connect(header, body, connect);
    link.version = connect.version;
    if (fault != nullptr) return refuse(worker, key, link, fault->reason);
    if (const auto reason = worker.shard.judge(connect, limits_of(connect.client_id)))
      return refuse(worker, key, link, *reason);
    link.connect = packet;
    link.is_assigned = connect.client_id.empty();
    link.client_id = link.is_assigned ? worker.shard.new_client_id() : std::string(connect.client_id);
    link.stage = Link::Stage::asking;
    link.pipe->token = ++connects_read_;
    link.user = std::string(connect.user_name.value_or(""));
    if (connect.properties.has(wire::mqtt::Property::auth_method)) return begin_exchange(worker, key, link, connect);
    if (!identifies_by_hand) identify(*link.pipe);
  }

  void begin_exchange(Worker& worker, base::Key key, Link& link, const wire::mqtt::Connect& connect) {
    link.exchange = std::make_unique<AuthExchange>(connect.properties.auth_method);
    const AuthQuestion question{.client_id = link.client_id,
                                .user_name = connect.user_name.value_or(""),
                                .method = connect.properties.auth_method};
    if (link.exchange->begin(worker, key, question, connect.properties.auth_data)) return;
    refuse(worker, key, link, wire::mqtt::Reason::bad_authentication_method);
  }
  void take_auth(Worker& worker, base::Key key, Link& link, const wire::mqtt::Header& header, wire::mqtt::Body body) {
    link.stage = Link::Stage::asking;
    const AuthExchange::Said said = link.exchange->on_packet(header, body);
    if (said.what == AuthExchange::Said::What::fault) return refuse(worker, key, link, said.fault->reason);
    if (said.what == AuthExchange::Said::What::leaves) worker.end(key, EndReason::client_disconnected);
  }
  void step_before_connack(Worker& worker, base::Key key, Link& link, const AuthStep& step) {
    if (step.what == AuthStep::What::failure) return refuse(worker, key, link, step.reason);
    if (step.what == AuthStep::What::success) {
      link.exchange.reset();
      link.user = step.user;
      link.auth_data = step.data;
      return identify(*link.pipe);
    }
    wire::mqtt::Header header;
    wire::mqtt::Connect connect;
    header = wire::mqtt::read_header(link.connect).header;
    const auto body = std::span<const std::byte>(link.connect).subspan(header.header_bytes);
    (void)wire::mqtt::decode_connect(header, body, connect);
    const bool is_limited = connect.properties.has(wire::mqtt::Property::maximum_packet_size);
    wire::mqtt::Bytes bytes;
    if (!link.exchange->answer(bytes, step, is_limited ? connect.properties.maximum_packet_size : 0)) {
      return refuse(worker, key, link, wire::mqtt::Reason::packet_too_large);
    }
    worker.send(key, bytes);
    link.stage = Link::Stage::exchanging;
    take_packets(worker, key);
  }

  static void refuse(Worker& worker, base::Key key, const Link& link, wire::mqtt::Reason reason) {
    wire::mqtt::Bytes bytes;
    wire::mqtt::Connack connack;
    connack.reason = reason;
    if (wire::mqtt::encode_connack(bytes, connack, link.version)) worker.send(key, bytes);
    worker.end(key, EndReason::refused);
  }

  bool granted(unsigned number, base::Key key, unsigned holder) {
    Worker& worker = *workers_[number];
    Link* link = worker.links.find(key);
    if (link == nullptr || link->stage != Link::Stage::asking) return false;
    if (holder == number) {
      attach(number, key, *link);
    } else {
      link->pipe->link.reset();
      link->pipe->travels = true;
      Handover handover{std::move(*link)};
      worker.links.remove(key);
      letters_[number * settings.shards + holder].push_back(std::move(handover));
    }
    return true;
  }

  void adopt(unsigned number, Handover handover) {
    Worker& worker = *workers_[number];
    const std::shared_ptr<RigPipe> pipe = handover.link.pipe;
    pipe->shard = number;
    pipe->travels = false;
    const base::Key key = worker.links.add(std::move(handover.link));
    pipe->link = key;
    attach(number, key, *worker.links.find(key));
  }

  void attach(unsigned number, base::Key key, Link& link) {
    const wire::mqtt::Bytes packet = std::exchange(link.connect, {});
    const wire::mqtt::Header header = wire::mqtt::read_header(packet).header;
    wire::mqtt::Connect connect;
    const auto body = std::span<const std::byte>(packet).subspan(header.header_bytes);
    (void)wire::mqtt::decode_connect(header, body, connect);
    link.stage = Link::Stage::open;
    link.heard = now;
    const std::string client_id = link.client_id;
    const std::string user = std::exchange(link.user, {});
    const std::vector<std::byte> auth_data = std::exchange(link.auth_data, {});
    const std::uint32_t place = workers_[number]->shard.attach({.link = key,
                                                                .connect = connect,
                                                                .limits = limits_of(client_id),
                                                                .client_id = client_id,
                                                                .user = user,
                                                                .is_assigned = link.is_assigned,
                                                                .address = {},
                                                                .token = link.pipe->token,
                                                                .auth_data = auth_data},
                                                               now);
    Link* still = workers_[number]->links.find(key);
    if (still == nullptr) return;
    still->place = place;
    take_packets(*workers_[number], key);
  }

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::deque<Letter>> letters_;  // [from][to]
  std::vector<std::shared_ptr<RigPipe>> pipes_;
  std::vector<std::unique_ptr<RigClient>> clients_;
  std::optional<DelayedRoom> delayed_room_;
  std::optional<std::size_t> held_;
  ClaimToken connects_read_ = 0;
  bool settling_ = false;
};

}  // namespace holdfast::broker
