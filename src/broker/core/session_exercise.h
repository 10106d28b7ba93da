// broker/core/session_exercise.h: a session between a client that keeps to the standard and a network that does not
// always hold. See tree_exercise.h.
//
// Packets are lost when the connection is cut, acknowledgements come in any order and any time later, connections are
// taken over, the outlet is full at times, messages expire, and the session moves to another place as a record.
// Held against it: nothing is lost that nobody was told of, QoS 2 is there exactly once in both directions, order,
// bounds, identifiers, the Receive Maximum of both sides, and nothing waits that could be sent.
//
// A hostile client acknowledges what it likes. Then bounds and the sum of all messages still hold.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/core/session.h"
#include "broker/core/tree_exercise.h"

namespace holdfast::broker {

enum class ClientKind : std::uint8_t { honest, hostile };

class SessionExercise {
 public:
  SessionExercise(Choices& choices, ClientKind kind)
      : choices_(choices),
        is_honest_(kind == ClientKind::honest),
        version_(choices.of({Version::v311, Version::v5, Version::v5})),
        limits_(some_limits()),
        session_(std::make_unique<Session>("client", "", 1, limits_)) {}

  void run() {
    while (!choices_.is_done()) {
      step();
      check();
    }
    if (is_honest_ && choices_.one_in(2)) {
      drain();
      for (const Fate& fate : fates_) check_fate(fate);
    }
    session_->discard(ledger_);
    demand(session_->queued() + session_->inflight() == 0, "discard() leaves something");
    demand(settled_ == shared_, "a shared copy was not settled");
    for (const Fate& fate : fates_) demand(fate.dropped <= 1, "dropped twice");
  }

 private:
  using PacketType = wire::mqtt::PacketType;
  using Reason = wire::mqtt::Reason;
  using Version = wire::mqtt::Version;

  static constexpr std::uint32_t kPacketBytesMax = 300;
  static constexpr std::uint16_t kInboundMaximum = 6;

  struct Packet {
    PacketType type{};
    std::uint16_t id = 0;
    Reason reason = Reason::success;
    Qos qos = Qos::at_most_once;
    bool dup = false;
    std::uint64_t number = 0;
  };
  // What has become of a message for the client.
  struct Fate {
    Qos qos = Qos::at_most_once;  // at which it is sent
    std::uint32_t sent = 0;
    std::uint32_t got = 0;
    std::uint32_t dropped = 0;
  };
  // A message of the client, until its last acknowledgement.
  struct Outbound {
    std::uint16_t id;
    Qos qos;
    std::uint64_t number;
    bool is_released = false;
  };
  struct Routed {
    std::uint32_t taken = 0;
    std::uint32_t refused = 0;
    Qos qos = Qos::at_most_once;
  };
  struct Ticket {
    std::uint32_t ticket;
    std::uint64_t number;
  };

  // The server's end of the connection.
  class Pipe final : public Outlet {
   public:
    explicit Pipe(SessionExercise& world) : world_(world) {}
    bool ready() override { return room > 0; }
    void publish(const OutgoingPublish& publish) override { world_.on_written(publish); }
    void ack(PacketType type, std::uint16_t id, Reason reason) override { world_.on_written(type, id, reason); }

    std::uint32_t room = 0;

   private:
    SessionExercise& world_;
  };

  class Counting final : public Ledger {
   public:
    explicit Counting(SessionExercise& world) : world_(world) {}
    void dropped(const Session& /*session*/, const Message& message, DropReason reason) override {
      ++world_.fates_[message.id().number].dropped;
      ++world_.dropped_;
      demand(reason != DropReason::expired || message.is_expired(world_.now_), "expired too early");
    }
    void settled(const Session& /*session*/, std::uint32_t /*share_group*/) override { ++world_.settled_; }

   private:
    SessionExercise& world_;
  };

  SessionLimits some_limits() {
    return {.queue_bytes_max = 100 + choices_.below(4000),
            .queue_length_max = choices_.below(20),
            .inflight_max = static_cast<std::uint16_t>(1 + choices_.below(8)),
            .when_full = choices_.of({WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::disconnect}),
            .store_qos0 = choices_.one_in(2)};
  }
  Context context() { return {pipe_.get(), ledger_, now_}; }

  void step() {
    switch (choices_.below(16)) {
      case 0:
      case 1:
      case 2: return deliver();
      case 3:
      case 4:
      case 5: return client_reads();
      case 6:
      case 7: return client_answers();
      case 8:
      case 9:
      case 10: return server_reads();
      case 11: return client_publishes();
      case 12:
        if (pipe_) pipe_->room += 1 + choices_.below(8);
        if (choices_.one_in(4)) deliver();  // before anybody has noticed the room
        session_->pump(context());
        return;
      case 13: return take_one();
      case 14:
        if (choices_.one_in(2)) return is_honest_ ? move_away() : acknowledge_anything();
        now_ += std::chrono::seconds(choices_.below(3));
        session_->pump(context());  // one that expired may have been in the way
        return;
      default: return choices_.one_in(3) ? cut() : connect();
    }
  }

  // --- the connection ---

  void cut() {
    if (!pipe_) return;
    forget_connection();
    pipe_.reset();
    session_->detach(now_);
  }
  void forget_connection() {
    to_client_.clear();
    to_server_.clear();
    answers_.clear();
    outstanding_.clear();
    arrived_.clear();
    sent_here_.clear();
    last_again_ = 0;
    has_sent_new_ = false;
  }
  void connect() {
    forget_connection();
    pipe_ = std::make_unique<Pipe>(*this);
    pipe_->terms = {.version = version_,
                    .receive_maximum = static_cast<std::uint16_t>(1 + choices_.below(8)),
                    .inbound_receive_maximum = kInboundMaximum,
                    .packet_bytes_max = kPacketBytesMax};
    pipe_->aliases = OutboundAliases(static_cast<std::uint16_t>(choices_.below(3)));
    pipe_->room = choices_.below(12);
    session_->attach(context());
    for (const Outbound& each : outbound_) {
      to_server_.push_back(each.is_released ? Packet{PacketType::pubrel, each.id}
                                            : Packet{PacketType::publish, each.id, {}, each.qos, true, each.number});
    }
  }
  // The session goes on elsewhere. What is on its way through the router is waited for.
  void move_away() {
    if (pipe_ || shared_ > 0) return;
    while (!tickets_.empty()) take_one();
    const std::vector<std::byte> record = session_->export_state(now_);
    auto other = std::make_unique<Session>("client", "", 2, limits_);
    demand(other->import_state(record, ledger_, now_).has_value(), "a record is refused");
    demand(other->export_state(now_) == record, "a record does not arrive as it left");
    session_ = std::move(other);
    moved_ = true;
  }

  // --- from the broker to the client ---

  void deliver() {
    const auto published = static_cast<Qos>(choices_.below(3));
    const auto granted = static_cast<Qos>(choices_.below(3));
    const bool is_shared = !moved_ && choices_.one_in(4);
    const std::string payload(choices_.one_in(8) ? kPacketBytesMax : choices_.below(40), 'x');
    const MessageRef message =
        Message::make({.id = {.number = fates_.size()},
                       .qos = published,
                       .expires = choices_.one_in(3) ? now_ + std::chrono::seconds(choices_.below(4)) : Message::kNever,
                       .topic = choices_.of({"topics/1", "topics/2", "t"}),
                       .payload = std::as_bytes(std::span(payload))});
    fates_.push_back({.qos = std::min(published, granted)});
    if (is_shared && fates_.back().qos != Qos::at_most_once) ++shared_;
    const std::uint32_t ids[] = {1, 2, 3};
    const Delivery delivery{.qos = granted,
                            .share_group = is_shared ? 7 : kNoShareGroup,
                            .subscription_ids = std::span(ids).first(choices_.below(4))};
    const Outcome outcome = session_->deliver(message, delivery, context());
    const Fate& fate = fates_.back();
    demand(outcome.what != Outcome::What::dropped || fate.dropped == 1, "the outcome is not what was told");
    demand(outcome.what != Outcome::What::sent || fate.sent == 1, "the outcome is not what was sent");
    demand(outcome.what == Outcome::What::queued || fate.sent + fate.dropped == 1, "sent or dropped, but twice");
    demand(!outcome.disconnect || (pipe_ && limits_.when_full == WhenFull::disconnect), "disconnects without cause");
  }

  void on_written(const OutgoingPublish& publish) {
    const wire::mqtt::PublishHead& head = publish.head;
    const std::uint64_t number = publish.message->id().number;
    Fate& fate = fates_[number];
    demand(pipe_->room-- > 0, "written to a full outlet");
    demand(wire::mqtt::publish_bytes(head, publish.message->payload().size()) <= kPacketBytesMax, "too large");
    demand(head.qos == fate.qos && head.dup == (fate.sent > 0), "another QoS or DUP");
    demand(head.topic_alias <= pipe_->aliases.maximum(), "an alias too large");
    ++fate.sent;
    if (!head.dup) on_first_time(head, number, *publish.message);
    if (head.qos != Qos::at_most_once && is_honest_) on_in_flight(head, number);
    to_client_.push_back({PacketType::publish, head.packet_id, {}, head.qos, head.dup, number});
  }
  void on_first_time(const wire::mqtt::PublishHead& head, std::uint64_t number, const Message& message) {
    demand(!message.is_expired(now_), "delivery begins after it has expired");
    const bool is_qos0 = head.qos == Qos::at_most_once;
    std::uint64_t& next = limits_.store_qos0 || !is_qos0 ? next_number_ : next_qos0_number_;
    demand(number >= next, "out of order");
    next = number + 1;
    if (is_qos0) ++sent_qos0_;
    has_sent_new_ = has_sent_new_ || !is_qos0;
    demand(is_qos0 || !is_honest_ || open_.insert(head.packet_id).second, "an identifier that is in use");
  }
  void on_in_flight(const wire::mqtt::PublishHead& head, std::uint64_t number) {
    demand(head.packet_id != 0, "identifier 0");
    demand(sent_here_.insert(number).second, "sent twice on one connection");
    demand(!head.dup || (!has_sent_new_ && number >= last_again_), "sent again out of order");
    if (head.dup) last_again_ = number;
    outstanding_.insert(head.packet_id);
    demand(outstanding_.size() <= pipe_->terms.receive_maximum, "more than the Receive Maximum");
  }
  void on_written(PacketType type, std::uint16_t id, Reason reason) {
    to_client_.push_back({type, id, reason});
    if ((type == PacketType::puback || type == PacketType::pubrec) && !arrived_.empty() && is_honest_) {
      const auto found = std::ranges::find(arrived_, id);
      demand(found == arrived_.end() || found == arrived_.begin(), "acknowledged out of order");
      if (found != arrived_.end()) arrived_.pop_front();
    }
  }

  // --- the client ---

  void client_reads() {
    if (to_client_.empty()) return;
    const Packet packet = to_client_.front();
    to_client_.pop_front();
    switch (packet.type) {
      case PacketType::publish: return client_gets(packet);
      case PacketType::pubrel:
        client_qos2_.erase(packet.id);
        answers_.push_back({PacketType::pubcomp, packet.id});
        return;
      default: return client_is_answered(packet);
    }
  }
  void client_gets(const Packet& packet) {
    Fate& fate = fates_[packet.number];
    const bool is_known = packet.qos == Qos::exactly_once && client_qos2_.contains(packet.id);
    const bool is_refused = !is_known && version_ == Version::v5 && choices_.one_in(12);
    if (!is_known && !is_refused) ++fate.got;
    if (packet.qos == Qos::exactly_once && !is_refused) client_qos2_.insert(packet.id);
    if (packet.qos == Qos::at_most_once) return;
    const PacketType type = packet.qos == Qos::at_least_once ? PacketType::puback : PacketType::pubrec;
    answers_.push_back({type, packet.id, is_refused ? Reason::quota_exceeded : Reason::success});
  }
  void client_answers() {
    if (answers_.empty()) return;
    const std::uint32_t index = choices_.below(static_cast<std::uint32_t>(answers_.size()));
    to_server_.push_back(answers_[index]);
    answers_.erase(answers_.begin() + index);
  }
  void client_publishes() {
    if (!pipe_ || outbound_.size() >= kInboundMaximum) return;
    std::uint16_t id = static_cast<std::uint16_t>(1 + choices_.below(10));
    while (std::ranges::count(outbound_, id, &Outbound::id) > 0) ++id;
    const Qos qos = choices_.of({Qos::at_least_once, Qos::exactly_once});
    outbound_.push_back({id, qos, routed_.size()});
    to_server_.push_back({PacketType::publish, id, {}, qos, false, routed_.size()});
    routed_.push_back({.qos = qos});
  }
  void client_is_answered(const Packet& packet) {
    const auto entry = std::ranges::find(outbound_, packet.id, &Outbound::id);
    demand(entry != outbound_.end() || !is_honest_, "an acknowledgement for nothing");
    if (entry == outbound_.end()) return;
    const bool is_over = packet.type != PacketType::pubrec || (version_ == Version::v5 && is_failure(packet.reason));
    if (is_over) {
      outbound_.erase(entry);
    } else {
      entry->is_released = true;
      answers_.push_back({PacketType::pubrel, packet.id});
    }
  }

  // --- from the client to the broker ---

  void server_reads() {
    if (to_server_.empty()) return;
    const Packet packet = to_server_.front();
    to_server_.pop_front();
    if (packet.type == PacketType::publish) return server_gets(packet);
    const bool is_over = packet.type != PacketType::pubrel &&
                         (packet.type != PacketType::pubrec || wire::mqtt::is_failure(packet.reason));
    if (is_over) {
      outstanding_.erase(packet.id);
      open_.erase(packet.id);
    }
    if (acknowledge(packet) == nullptr) return;
    demand(!is_honest_, "an honest client is at fault");
    cut();
  }
  const wire::mqtt::Fault* acknowledge(const Packet& packet) {
    switch (packet.type) {
      case PacketType::puback: return session_->on_puback(packet.id, packet.reason, context());
      case PacketType::pubrec: return session_->on_pubrec(packet.id, packet.reason, context());
      case PacketType::pubrel: return session_->on_pubrel(packet.id, context());
      default: return session_->on_pubcomp(packet.id, packet.reason, context());
    }
  }
  void server_gets(const Packet& packet) {
    const Arrival arrival = session_->on_publish(packet.qos, packet.id, context());
    if (arrival.what == Arrival::What::fault) {
      demand(!is_honest_, "an honest client is at fault");
      return cut();
    }
    if (arrival.what != Arrival::What::fresh) {
      demand(!is_honest_ || (packet.dup && packet.qos == Qos::exactly_once), "a new message is not taken");
      return;
    }
    if (!packet.dup) arrived_.push_back(packet.id);
    tickets_.push_back({arrival.ticket, packet.number});
  }
  // The router is done with one of them, in any order.
  void take_one() {
    if (tickets_.empty()) return;
    const std::uint32_t index = choices_.below(static_cast<std::uint32_t>(tickets_.size()));
    const Ticket ticket = tickets_[index];
    tickets_.erase(tickets_.begin() + index);
    const bool is_taken = !choices_.one_in(6);
    Routed& routed = routed_[ticket.number];
    ++(is_taken ? routed.taken : routed.refused);
    demand(!is_honest_ || routed.qos != Qos::exactly_once || routed.taken <= 1, "QoS 2 is published twice");
    session_->on_taken(ticket.ticket, is_taken ? Reason::success : Reason::not_authorized, context());
  }
  void acknowledge_anything() {
    if (!pipe_) return;
    const PacketType type = choices_.of(
        {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp, PacketType::publish});
    const Qos qos = choices_.of({Qos::at_least_once, Qos::exactly_once});
    const Reason reason = choices_.of({Reason::success, Reason::success, Reason::unspecified_error});
    const auto id = static_cast<std::uint16_t>(choices_.below(12));
    if (type == PacketType::publish) routed_.push_back({.qos = qos});
    to_server_.push_back({type, id, reason, qos, choices_.one_in(2), routed_.size() - 1});
  }

  // --- what holds ---

  void check() {
    demand(session_->queued() <= limits_.queue_length_max, "more messages than the queue may have");
    demand(session_->queue_bytes() <= limits_.queue_bytes_max, "more bytes than the queue may have");
    demand(session_->inflight() <= limits_.inflight_max, "more in flight than there may be");
    const std::uint64_t open = session_->queued() + session_->inflight() + dropped_ + sent_qos0_;
    demand(open <= fates_.size(), "more messages than there were");
    demand(fates_.size() - open >= finished_, "a message that was done with is back");
    finished_ = fates_.size() - open;
    if (pipe_) demand(session_->pump(context()) == 0, "something waits that could be sent");
  }
  void drain() {
    connect();
    pipe_->terms.receive_maximum = 65'535;
    for (int i = 0; i < 100'000; ++i) {
      pipe_->room = 1000;
      session_->pump(context());
      if (to_client_.empty() && to_server_.empty() && answers_.empty() && tickets_.empty()) break;
      client_reads();
      client_answers();
      server_reads();
      take_one();
      check();
    }
    demand(session_->queued() + session_->inflight() == 0, "a message is stuck");
    demand(outbound_.empty(), "a message of the client is stuck");
    demand(session_->inbound().memory_bytes() == 0, "something of a message of the client is left");
    for (const Routed& each : routed_) demand(each.taken + each.refused >= 1, "a message of the client is lost");
  }
  void check_fate(const Fate& fate) {
    switch (fate.qos) {
      case Qos::at_most_once:
        return demand(fate.sent + fate.dropped == 1, "QoS 0 is neither sent nor dropped, or both");
      case Qos::at_least_once: return demand(fate.got + fate.dropped >= 1, "QoS 1 is lost");
      case Qos::exactly_once: return demand(fate.got + fate.dropped == 1, "QoS 2 is not there exactly once");
    }
  }

  Choices& choices_;
  const bool is_honest_;
  const Version version_;
  const SessionLimits limits_;
  Counting ledger_{*this};
  std::unique_ptr<Session> session_;
  std::unique_ptr<Pipe> pipe_;
  base::Time now_{std::chrono::hours(1)};

  std::vector<Fate> fates_;  // by number
  std::uint64_t dropped_ = 0;
  std::uint64_t sent_qos0_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t shared_ = 0;
  std::uint64_t settled_ = 0;
  std::uint64_t next_number_ = 0;
  std::uint64_t next_qos0_number_ = 0;
  std::set<std::uint16_t> open_;  // identifiers that the client has not finished
  bool moved_ = false;

  // Of the present connection.
  std::deque<Packet> to_client_;
  std::deque<Packet> to_server_;
  std::vector<Packet> answers_;  // that the client has not sent yet
  std::set<std::uint16_t> outstanding_;
  std::set<std::uint64_t> sent_here_;
  std::deque<std::uint16_t> arrived_;  // not acknowledged
  std::uint64_t last_again_ = 0;
  bool has_sent_new_ = false;

  std::set<std::uint16_t> client_qos2_;
  std::vector<Outbound> outbound_;
  std::vector<Routed> routed_;  // by number
  std::vector<Ticket> tickets_;
};

}  // namespace holdfast::broker
