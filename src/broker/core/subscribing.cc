// SUBSCRIBE and UNSUBSCRIBE, and the retained messages that follow. The rest of Shard is in shard.cc.
#include <algorithm>

#include "broker/core/rewrite.h"
#include "broker/core/shard.h"
#include "wire/mqtt/varint.h"

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::PacketType;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using wire::mqtt::RetainHandling;

namespace {

constexpr std::string_view kExclusive = "$exclusive/";
constexpr std::size_t kScansATurn = 256;
constexpr std::size_t kScanSteps = 64;

std::uint64_t link_number(base::Key link) { return std::uint64_t{link.index} << 32 | link.generation; }

//= MQTT5 [MQTT-3.8.3-4]
constexpr Fault kNoLocalShared{Reason::protocol_error, "MQTT5 [MQTT-3.8.3-4]", "No Local on a shared subscription"};

//= MQTT5 [MQTT-3.1.2-24]
constexpr Fault kAnswerTooLarge{Reason::packet_too_large, "MQTT5 [MQTT-3.1.2-24]",
                                "the answer would be above the client's maximum packet size"};

// SUBACK and UNSUBACK without properties.
const Fault* check_answer(const Client& client, const wire::mqtt::FilterList& filters) {
  const std::size_t bytes_max = client.terms.packet_bytes_max;
  if (bytes_max == 0) return nullptr;
  const std::size_t body_bytes = sizeof(std::uint16_t) + 1 + filters.count();
  const std::size_t bytes = 1 + wire::mqtt::varint_bytes(static_cast<std::uint32_t>(body_bytes)) + body_bytes;
  return bytes <= bytes_max ? nullptr : &kAnswerTooLarge;
}

Reason granted(Qos qos) { return static_cast<Reason>(qos); }

// SUBACK says otherwise when the answer has come.
constexpr Reason kNotYetGranted = Reason::quota_exceeded;

// What a filter is without $share/GROUP/ and $exclusive/.
std::string_view plain_part(std::string_view filter, const ShareRead& share) {
  if (share.form == ShareRead::Form::shared) return share.filter;
  return filter.starts_with(kExclusive) ? filter.substr(kExclusive.size()) : filter;
}

}  // namespace

void Shard::on_subscribe(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  wire::mqtt::Subscribe subscribe;
  const Fault* fault = wire::mqtt::decode_subscribe(header, body, place.client->terms.version, subscribe);
  if (fault == nullptr) fault = fault_of(subscribe.filters);
  if (fault == nullptr) fault = check_answer(*place.client, subscribe.filters);
  if (fault != nullptr) return fail(at, *fault, now);
  counters_.subscribes.add();
  if (is_in_use(place, subscribe.packet_id)) {
    return refuse_packet_id(at, subscribe.packet_id, subscribe.filters.count(), PacketType::suback);
  }
  PendingSuback pending = pending_for(at, subscribe.packet_id);
  for (const wire::mqtt::Filter& each : subscribe.filters) {
    const SubscriptionOptions options{.qos = std::min(each.options.qos, place.client->limits.qos_max),
                                      .no_local = each.options.no_local,
                                      .retain_as_published = each.options.retain_as_published,
                                      .retain_handling = each.options.retain_handling,
                                      .identifier = subscribe.properties.subscription_id};
    pending.codes.push_back(this->subscribe(at, each.filter, options, pending));
  }
  wait_for_answers(std::move(pending), now);
}

const Fault* Shard::fault_of(const wire::mqtt::FilterList& filters) {
  for (const wire::mqtt::Filter& each : filters) {
    if (each.options.no_local && parse_share(each.filter).form == ShareRead::Form::shared) return &kNoLocalShared;
  }
  return nullptr;
}

// By a PUBLISH of the client that is not finished, or by a SUBSCRIBE that is not answered. Older versions have no way
// to say so, and nothing is mixed up by it: there the packet is one like any other.
//= MQTT5 [MQTT-2.2.1-3]
bool Shard::is_in_use(const Place& place, std::uint16_t packet_id) const {
  if (!place.client->is_v5()) return false;
  return place.session.inbound().has(packet_id) || pending_ids_.contains({link_number(place.client->link), packet_id});
}

// Nothing is done of what the packet asks for.
void Shard::refuse_packet_id(std::uint32_t at, std::uint16_t packet_id, std::size_t filters, PacketType answer) {
  const std::vector<Reason> codes(filters, Reason::packet_identifier_in_use);
  Client& client = *places_[at].client;
  if (answer == PacketType::suback) {
    wire::mqtt::Suback suback;
    suback.packet_id = packet_id;
    suback.codes = std::as_bytes(std::span(codes));
    return client.send(suback);
  }
  wire::mqtt::Unsuback unsuback;
  unsuback.packet_id = packet_id;
  unsuback.codes = std::as_bytes(std::span(codes));
  client.send(unsuback);
}

Shard::PendingSuback Shard::pending_for(std::uint32_t at, std::uint16_t packet_id) {
  PendingSuback pending;
  pending.place = places_.key_of(at);
  pending.link = places_[at].client->link;
  pending.packet_id = packet_id;
  pending.ticket = ++last_ticket_;
  return pending;
}

// The name under which a filter stands in the session: what rewrite rules make of it, with its prefix.
std::string Shard::effective(const Session& session, std::string_view filter) {
  const std::string_view plain = plain_part(filter, parse_share(filter));
  std::string name(filter.substr(0, filter.size() - plain.size()));
  name += rewritten(settings_.rewrites, Rewrite::Of::subscribe, plain, session.client_id(), session.user_name(), made_);
  return name;
}

Reason Shard::subscribe(std::uint32_t at, std::string_view asked, const SubscriptionOptions& options,
                        PendingSuback& pending) {
  Place& place = places_[at];
  const std::string filter = effective(place.session, asked);
  const ShareRead share = parse_share(filter);
  if (const auto reason = refusal_of(place, filter, share)) return *reason;
  if (filter.starts_with(kExclusive)) return ask_exclusive(at, filter, options, pending);
  make_subscription(at, filter, options, pending);
  return granted(options.qos);
}

void Shard::make_subscription(std::uint32_t at, const std::string& filter, const SubscriptionOptions& options,
                              PendingSuback& pending) {
  Place& place = places_[at];
  const ShareRead share = parse_share(filter);
  const bool fresh = place.session.subscribe(filter, options) == Session::Subscribed::fresh;
  if (hooks_.wants(HookKind::subscribed)) {
    hooks_.tell(told::Subscribed{.who = who(place.session),
                                 .filter = filter,
                                 .mountpoint = place.mountpoint.view(),
                                 .options = options,
                                 .is_new = fresh});
  }
  std::string mounted = this->mounted(place, plain_part(filter, share));
  // What others are still to be told may be what this one needs them to know.
  pending.has_new_routes |= settings_.shards > 1 && !pending_.empty();
  if (share.form == ShareRead::Form::shared) {
    pending.has_new_routes |= settings_.shards > 1 && fresh;
    return join(at, share.group, mounted, options);
  }
  if (tree_.add(mounted, at, options) == Added::first_of_filter && settings_.shards > 1) {
    mail_all(RouteChange{mounted, true});
    pending.has_new_routes = true;
  }
  //= MQTT5 [MQTT-3.3.1-9]
  //= MQTT5 [MQTT-3.3.1-10]
  //= MQTT5 [MQTT-3.3.1-11]
  const bool wants_retained = options.retain_handling == RetainHandling::send ||
                              (options.retain_handling == RetainHandling::send_if_new && fresh);
  if (wants_retained) pending.scans.push_back({filter, std::move(mounted), options, {}});
}

std::optional<Reason> Shard::refusal_of(const Place& place, std::string_view filter, const ShareRead& share) {
  const ListenerLimits& limits = place.client->limits;
  const std::string_view plain = plain_part(filter, share);
  if (share.form == ShareRead::Form::malformed || !valid_filter(plain)) return Reason::topic_filter_invalid;
  if (beyond(limits, plain)) return Reason::topic_filter_invalid;
  if (!place.mountpoint.view().empty() && !valid_filter(mounted(place, plain))) return Reason::topic_filter_invalid;
  //= MQTT5 [MQTT-3.2.2-16]
  if (!limits.wildcard_available && has_wildcard(plain)) return Reason::wildcard_subscriptions_not_supported;
  const bool shared = share.form == ShareRead::Form::shared;
  if (!limits.shared_available && shared) return Reason::shared_subscriptions_not_supported;
  if (filter.starts_with(kExclusive) && (!limits.exclusive_available || has_wildcard(plain))) {
    return Reason::topic_filter_invalid;
  }
  if (!ports_.may(place.client->link, Action::subscribe, plain)) return Reason::not_authorized;
  const bool full = limits.subscriptions_max != 0 && place.session.subscriptions().size() >= limits.subscriptions_max;
  if (full && place.session.find_subscription(filter) == nullptr) return Reason::quota_exceeded;
  return std::nullopt;
}

void Shard::on_unsubscribe(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  wire::mqtt::Unsubscribe unsubscribe;
  const Fault* fault = wire::mqtt::decode_unsubscribe(header, body, place.client->terms.version, unsubscribe);
  if (fault == nullptr) fault = check_answer(*place.client, unsubscribe.filters);
  if (fault != nullptr) return fail(at, *fault, now);
  counters_.unsubscribes.add();
  if (is_in_use(place, unsubscribe.packet_id)) {
    return refuse_packet_id(at, unsubscribe.packet_id, unsubscribe.filters.count(), PacketType::unsuback);
  }
  //= MQTT5 [MQTT-3.10.4-4]
  //= MQTT5 [MQTT-3.11.3-1]
  std::vector<Reason> codes;
  for (const wire::mqtt::Filter& each : unsubscribe.filters) {
    const std::string filter = effective(place.session, each.filter);
    const bool existed = this->unsubscribe(at, filter);
    codes.push_back(existed ? Reason::success : Reason::no_subscription_existed);
    if (existed && hooks_.wants(HookKind::unsubscribed)) {
      const std::string_view mountpoint = place.mountpoint.view();
      hooks_.tell(told::Unsubscribed{.who = who(place.session), .filter = filter, .mountpoint = mountpoint});
    }
  }
  wire::mqtt::Unsuback unsuback;
  unsuback.packet_id = unsubscribe.packet_id;
  unsuback.codes = std::as_bytes(std::span(codes));
  place.client->send(unsuback);
}

bool Shard::unsubscribe(std::uint32_t at, const std::string& filter) {
  Place& place = places_[at];
  if (!place.session.unsubscribe(filter)) return false;
  if (place.scans) std::erase_if(*place.scans, [&](const Scan& scan) { return scan.subscription == filter; });
  const ShareRead share = parse_share(filter);
  const std::string mounted = this->mounted(place, plain_part(filter, share));
  if (share.form == ShareRead::Form::shared) {
    part_from(at, share.group, mounted);
    return true;
  }
  if (filter.starts_with(kExclusive)) release_exclusive(mounted, places_.key_of(at));
  if (const SubscriptionOptions* twin = find_twin(place.session, filter)) {
    (void)tree_.add(mounted, at, *twin);
  } else if (tree_.remove(mounted, at) == Removed::last_of_filter && settings_.shards > 1) {
    mail_all(RouteChange{mounted, false});
  }
  return true;
}

// A topic that is subscribed to exclusively and also as any other is one to the tree.
const SubscriptionOptions* Shard::find_twin(const Session& session, std::string_view filter) {
  if (filter.starts_with(kExclusive)) return session.find_subscription(filter.substr(kExclusive.size()));
  return session.find_subscription(std::string(kExclusive) + std::string(filter));
}

// SUBACK goes out when every shard knows of the subscription: what is published after it will be delivered.
void Shard::wait_for_answers(PendingSuback pending, base::Time now) {
  if (pending.has_new_routes) {
    pending.waits_for += settings_.shards - 1;
    mail_all(RoutesAsk{pending.ticket});
  }
  if (pending.waits_for == 0) return finish(pending, now);
  if (pending.packet_id != 0) pending_ids_.insert({link_number(pending.link), pending.packet_id});
  pending_.emplace(pending.ticket, std::move(pending));
}

void Shard::on_answer(std::uint64_t ticket, base::Time now) {
  const auto found = pending_.find(ticket);
  if (found == pending_.end() || --found->second.waits_for > 0) return;
  PendingSuback pending = std::move(found->second);
  pending_.erase(found);
  finish(pending, now);
}

//= MQTT5 [MQTT-3.8.4-1]
//= MQTT5 [MQTT-3.8.4-2]
//= MQTT5 [MQTT-3.8.4-6]
void Shard::finish(PendingSuback& pending, base::Time now) {
  if (!pending_ids_.empty()) pending_ids_.erase({link_number(pending.link), pending.packet_id});
  Place* place = places_.find(pending.place);
  if (place == nullptr || !place->client || place->client->link != pending.link) return;
  if (pending.packet_id != 0) {
    wire::mqtt::Suback suback;
    suback.packet_id = pending.packet_id;
    suback.codes = std::as_bytes(std::span(pending.codes));
    place->client->send(suback);
  }
  if (retained_.size() == 0) return;
  for (Scan& each : pending.scans) {
    if (place->session.find_subscription(each.subscription) == nullptr) continue;
    if (!place->scans) place->scans = std::make_unique<std::deque<Scan>>();
    // One that has not come to its end begins again: a client that reads nothing cannot pile them up.
    std::erase_if(*place->scans, [&](const Scan& scan) { return scan.subscription == each.subscription; });
    place->scans->push_back(std::move(each));
  }
  scan_soon(pending.place.index);
  go_on_scanning(now);
}

// Something may have changed that its scans wait for.
void Shard::scan_soon(std::uint32_t at) {
  Place& place = places_[at];
  if (!place.scans || place.is_scanning) return;
  place.is_scanning = true;
  scanning_.push_back(places_.key_of(at));
}

// A few of them a turn, each a few messages, so that a subscriber to everything holds nobody up. True when one of them
// could go on at once.
bool Shard::go_on_scanning(base::Time now) {
  for (std::size_t left = std::min(scanning_.size(), kScansATurn); left > 0; --left) {
    const base::Key key = scanning_.front();
    scanning_.pop_front();
    Place* place = places_.find(key);
    if (place == nullptr) continue;
    place->is_scanning = false;
    if (go_on(*place, now) == ScanState::more) scan_soon(key.index);
  }
  return !scanning_.empty();
}

// The scans of one client, one after the other.
Shard::ScanState Shard::go_on(Place& place, base::Time now) {
  while (place.scans && !place.scans->empty()) {
    if (!place.client) return ScanState::blocked;  // it goes on when the client comes back
    const ScanState state = go_on(place, place.scans->front(), now);
    if (state != ScanState::done) return state;
    place.scans->pop_front();
  }
  place.scans.reset();
  return ScanState::done;
}

Shard::ScanState Shard::go_on(Place& place, Scan& scan, base::Time now) {
  const std::uint32_t ids[] = {scan.options.identifier};
  //= MQTT5 [MQTT-3.3.1-8]
  const Delivery delivery{.qos = scan.options.qos,
                          .retain = true,
                          .share_group = kNoShareGroup,
                          .subscription_ids = std::span(ids, scan.options.identifier == 0 ? 0 : 1)};
  for (std::size_t steps = kScanSteps; steps > 0;) {
    if (!place.client->ready() || place.session.queued() > 0) return ScanState::blocked;
    const MessageRef message = retained_.next(scan.filter, scan.cursor, steps, now);
    if (!message) break;
    if (!is_behind(place.mountpoint.view(), scan.filter, message->topic())) continue;
    //= MQTT5 [MQTT-3.8.3-3]
    if (scan.options.no_local && message->publisher() == place.session.serial()) continue;
    note(place, place.session.deliver(message, delivery, context(place, now)));
  }
  return scan.cursor.is_done ? ScanState::done : ScanState::more;
}

// --- topics that one client at a time may subscribe to: who came first has it ---

Reason Shard::ask_exclusive(std::uint32_t at, const std::string& filter, const SubscriptionOptions& options,
                            PendingSuback& pending) {
  const Place& place = places_[at];
  const std::string topic = mounted(place, plain_part(filter, {}));
  const base::Key session = places_.key_of(at);
  const unsigned orderer = orders(topic);
  if (orderer == number_) {
    if (!take_exclusive(topic, {number_, session})) return Reason::quota_exceeded;
    make_subscription(at, filter, options, pending);
    return granted(options.qos);
  }
  ports_.mail(orderer, ExclusiveAsk{topic, session, pending.ticket, static_cast<std::uint32_t>(pending.codes.size())});
  pending.exclusive.push_back({static_cast<std::uint32_t>(pending.codes.size()), filter, options});
  ++pending.waits_for;
  return kNotYetGranted;
}

void Shard::on_exclusive(const ExclusiveAnswer& answer, base::Time now) {
  const auto found = pending_.find(answer.ticket);
  if (found == pending_.end()) return;
  PendingSuback& pending = found->second;
  for (const PendingSuback::Exclusive& each : pending.exclusive) {
    if (each.index != answer.index || !answer.granted) continue;
    const Place* place = places_.find(pending.place);
    if (place == nullptr || !place->client || place->client->link != pending.link) {
      const bool has_it = place != nullptr && place->session.find_subscription(each.filter) != nullptr;
      if (!has_it) release_exclusive(answer.topic, answer.session);
      continue;
    }
    make_subscription(pending.place.index, each.filter, each.options, pending);
    if (each.index < pending.codes.size()) pending.codes[each.index] = granted(each.options.qos);
  }
  if (pending.has_new_routes) {
    pending.has_new_routes = false;
    pending.waits_for += settings_.shards - 1;
    mail_all(RoutesAsk{pending.ticket});
  }
  on_answer(answer.ticket, now);
}

bool Shard::take_exclusive(std::string_view topic, const Holder& holder) {
  const auto [at, is_new] = exclusive_.emplace(std::string(topic), holder);
  return is_new || at->second == holder;
}

void Shard::release_exclusive(std::string_view topic, base::Key session) {
  const unsigned orderer = orders(topic);
  if (orderer != number_) return ports_.mail(orderer, ExclusiveRelease{std::string(topic), session});
  give_exclusive(topic, {number_, session});
}

void Shard::give_exclusive(std::string_view topic, const Holder& holder) {
  const auto found = exclusive_.find(topic);
  if (found != exclusive_.end() && found->second == holder) exclusive_.erase(found);
}

}  // namespace holdfast::broker
