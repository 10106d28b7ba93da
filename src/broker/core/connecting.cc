// A client comes to its session and leaves it: CONNECT, take-over, wills, the end of sessions. The rest of Shard is in
// shard.cc.
#include <fmt/format.h>

#include "broker/core/rewrite.h"
#include "broker/core/shard.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

using wire::mqtt::Connack;
using wire::mqtt::Connect;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using wire::mqtt::Seconds;
using Protocol = wire::mqtt::Version;

namespace {

// Before MQTT 5 a session without clean session has no end of its own.
Seconds expiry_of(const Connect& connect, const ListenerLimits& limits) {
  Seconds asked = connect.properties.session_expiry;
  if (connect.version != Protocol::v5) asked = connect.clean_start ? Seconds{0} : wire::mqtt::kNever;
  return limits.capped_expiry(asked);
}

Seconds keep_alive_of(const Connect& connect, const ListenerLimits& limits) {
  const Seconds most{static_cast<std::uint32_t>(std::min<std::int64_t>(limits.keep_alive_max.count(), 65'535))};
  if (most.count() == 0 || connect.version != Protocol::v5) return connect.keep_alive;
  return connect.keep_alive.count() == 0 ? most : std::min(connect.keep_alive, most);
}

std::uint16_t topic_aliases_of(const Connect& connect, const ListenerLimits& limits) {
  return std::min(connect.properties.topic_alias_maximum, limits.topic_alias_max);
}

}  // namespace

// Whether what there is to say to a client that is let in is within what it takes.
//= MQTT5 [MQTT-3.1.2-24]
bool Shard::takes_connack(const Connect& connect, const ListenerLimits& limits) {
  constexpr std::size_t kEnough = 128;  // for any of ours
  const std::size_t bytes_max = connect.properties.maximum_packet_size;
  const bool names_method = connect.properties.has(Property::auth_method);
  if (!connect.properties.has(Property::maximum_packet_size)) return true;
  if (bytes_max >= kEnough && !names_method) return true;
  static constexpr std::string_view kAssigned = "holdfast-0123456789abcdef0123456789abcdef";
  const Newcomer newcomer{.link = {},
                          .connect = connect,
                          .limits = limits,
                          .client_id = kAssigned,
                          .user = {},
                          .is_assigned = connect.client_id.empty(),
                          .address = {}};
  return takes_connack(newcomer);
}

bool Shard::takes_connack(const Newcomer& newcomer) {
  const Connect& connect = newcomer.connect;
  wire::mqtt::Bytes bytes;
  const Connack connack = connack_of(newcomer, expiry_of(connect, newcomer.limits), false);
  if (!wire::mqtt::encode_connack(bytes, connack, connect.version)) return false;
  return !connect.properties.has(Property::maximum_packet_size) ||
         bytes.size() <= connect.properties.maximum_packet_size;
}

//= MQTT5 [MQTT-3.1.3-5]
//= MQTT311 [MQTT-3.1.3-8]
//= MQTT311 [MQTT-3.1.3-9]
std::optional<Reason> Shard::judge(const Connect& connect, const ListenerLimits& limits) const {
  const bool may_be_empty =
      connect.version == Protocol::v5 || (connect.version == Protocol::v311 && connect.clean_start);
  if (connect.client_id.empty() && !may_be_empty) return Reason::client_identifier_not_valid;
  if (connect.client_id.size() > limits.client_id_length_max) return Reason::client_identifier_not_valid;
  if (!takes_connack(connect, limits)) return Reason::packet_too_large;
  if (!connect.will) return std::nullopt;
  const std::string_view topic = connect.will->topic;
  if (beyond(limits, topic) || !valid_topic(topic) || topic.starts_with("$SYS/")) return Reason::topic_name_invalid;
  //= MQTT5 [MQTT-3.2.2-12]
  if (connect.will->qos > limits.qos_max) return Reason::qos_not_supported;
  //= MQTT5 [MQTT-3.2.2-13]
  if (connect.will->retain && !limits.retain_available) return Reason::retain_not_supported;
  return std::nullopt;
}

//= MQTT5 [MQTT-3.1.3-6]
std::string Shard::new_client_id() {
  return fmt::format("holdfast-{:016x}{:016x}", random_.next(), base::mix(random_.next() + number_));
}

void Shard::claim(base::Key link, std::string_view client_id) {
  const unsigned orderer = orders(client_id);
  if (orderer != number_) return ports_.mail(orderer, Claim{std::string(client_id), link});
  if (!ports_.granted(link, claims_.claim(client_id, number_))) give_back(client_id);
}

void Shard::give_back(std::string_view client_id) { settle(client_id, Claims::Outcome::unused); }

void Shard::settle(std::string_view client_id, Claims::Outcome outcome) {
  const unsigned orderer = orders(client_id);
  if (orderer != number_) return ports_.mail(orderer, Settled{std::string(client_id), outcome});
  claims_.settle(client_id, outcome);
}

void Shard::release(std::string_view client_id) {
  const unsigned orderer = orders(client_id);
  if (orderer != number_) return ports_.mail(orderer, Release{std::string(client_id)});
  claims_.release(client_id);
}

std::uint32_t Shard::attach(const Newcomer& newcomer, base::Time now) {
  std::string mountpoint;
  expand(mountpoint, newcomer.limits.mountpoint, newcomer.client_id, newcomer.user);
  if (const auto reason = refusal_of(newcomer, mountpoint)) {
    reject(newcomer, *reason, EndReason::refused);
    return kNoPlace;
  }
  if (!newcomer.auth_data.empty() && !takes_connack(newcomer)) {
    reject(newcomer, Reason::packet_too_large, EndReason::refused);
    return kNoPlace;
  }
  const auto found = ids_.find(newcomer.client_id);
  std::uint32_t at = found == ids_.end() ? kNoPlace : found->second;
  // It took long to find out who this is, or to come here, and a newer connection was first. It is taken over, as it
  // would have been a moment later; but DISCONNECT may not come before CONNACK, which has no word for that.
  //= MQTT5 [MQTT-3.14.0-1]
  if (at != kNoPlace && places_[at].token > newcomer.token) {
    counters_.taken_over.add();
    reject(newcomer, Reason::server_unavailable, EndReason::taken_over);
    return kNoPlace;
  }
  //= MQTT5 [MQTT-3.1.4-3]
  //= MQTT311 [MQTT-3.1.4-2]
  if (at != kNoPlace && places_[at].client) take_over(at, now);
  // One that was to end with the connection that was just taken over has ended. One that somebody else has made, or
  // whose topics are mounted elsewhere, is another's: its messages were let through to that one only.
  //= MQTT5 [MQTT-3.1.2-4]
  //= MQTT311 [MQTT-3.1.2-6]
  const bool present = at != kNoPlace && !newcomer.connect.clean_start && places_[at].session.expiry().count() > 0 &&
                       places_[at].session.user_name() == newcomer.user && places_[at].mountpoint.view() == mountpoint;
  if (at != kNoPlace && !present) discard_session(at, told::SessionEnded::Why::replaced, now);
  if (!present) at = begin_session(newcomer, mountpoint);
  settle(newcomer.client_id, Claims::Outcome::attached);
  welcome(at, newcomer, present, now);
  return at;
}

// Names come from clients: what they are put into must not become a filter for the topics of others, nor lead to where
// those are mounted.
std::optional<Reason> Shard::refusal_of(const Newcomer& newcomer, std::string_view mountpoint) {
  if (newcomer.limits.mountpoint.empty()) return std::nullopt;
  const std::string& pattern = newcomer.limits.mountpoint;
  const bool leads_out = !names_are_levels(pattern, newcomer.client_id, newcomer.user) ||
                         (mountpoint.starts_with('$') && !pattern.starts_with('$'));
  if (leads_out || !valid_topic(mountpoint)) return Reason::client_identifier_not_valid;
  if (!newcomer.connect.will) return std::nullopt;
  const bool fits = valid_topic(std::string(mountpoint) + std::string(newcomer.connect.will->topic));
  return fits ? std::nullopt : std::optional(Reason::topic_name_invalid);
}

// The connection was granted its session, and does not get it.
void Shard::reject(const Newcomer& newcomer, Reason reason, EndReason why) {
  settle(newcomer.client_id, Claims::Outcome::unused);
  Client client(tools_, newcomer.link, newcomer.limits);
  client.terms.version = newcomer.connect.version;
  Connack connack;
  connack.reason = reason;
  client.send(connack);
  ports_.end(newcomer.link, why);
}

std::uint32_t Shard::begin_session(const Newcomer& newcomer, std::string_view mountpoint) {
  SessionLimits limits = settings_.queue;
  limits.inflight_max = newcomer.limits.inflight_max;
  // No Local, and the strategy that goes by the publisher, mean the client, whichever session it has.
  //= MQTT5 [MQTT-3.8.3-3]
  const std::uint64_t serial = std::max<std::uint64_t>(1, keyed_hash(settings_.hash_key, newcomer.client_id));
  const base::Key key = places_.add(Session(newcomer.client_id, newcomer.user, serial, limits));
  Place& place = places_[key.index];
  place.mountpoint = FlatText(mountpoint);
  place.session.place = key.index;
  ids_.emplace(place.session.client_id(), key.index);
  counters_.sessions.set(static_cast<std::int64_t>(places_.size()));
  return key.index;
}

std::uint32_t Shard::place_of(const Session& session) noexcept { return static_cast<const Housed&>(session).place; }

void Shard::welcome(std::uint32_t at, const Newcomer& newcomer, bool present, base::Time now) {
  Place& place = places_[at];
  const Connect& connect = newcomer.connect;
  const Seconds expiry = expiry_of(connect, newcomer.limits);
  wills_.clear(std::exchange(place.will, 0));  // it came back in time
  place.token = newcomer.token;
  place.due = ++last_due_;
  place.session.set_expiry(expiry);
  if (!present && hooks_.wants(HookKind::session_begun)) {
    hooks_.tell(told::SessionBegun{.who = who(place.session), .expiry = expiry});
  }
  SessionLimits limits = settings_.queue;
  limits.inflight_max = newcomer.limits.inflight_max;
  place.session.set_limits(limits);
  place.client = client_of(newcomer, place);
  Client& client = *place.client;
  client.will = will_of(newcomer, place);
  counters_.connects.add();
  if (present) counters_.resumed.add();
  counters_.clients.add(1);
  client.send(connack_of(newcomer, expiry, present));
  set_presence(at, Presence::online);
  place.session.attach(context(place, now));
  scan_soon(at);
  auto_subscribe(at, now);
  if (!hooks_.wants(HookKind::connected)) return;
  tell(told::Connected{.who = who(place.session),
                       .address = client.address,
                       .version = client.terms.version,
                       .keep_alive = keep_alive_of(connect, newcomer.limits),
                       .session_expiry = expiry,
                       .session_present = present},
       now);
}

std::unique_ptr<Client> Shard::client_of(const Newcomer& newcomer, const Place& place) {
  const Connect& connect = newcomer.connect;
  const ListenerLimits& limits = newcomer.limits;
  auto client = std::make_unique<Client>(tools_, newcomer.link, limits);
  client->address = newcomer.address;
  client->inbound = InboundAliases(connect.version == Protocol::v5 ? limits.topic_alias_max : std::uint16_t{0});
  client->aliases = OutboundAliases(topic_aliases_of(connect, limits));
  if (connect.properties.has(Property::auth_method)) {
    client->auth = std::make_unique<AuthExchange>(connect.properties.auth_method);
  }
  client->wants_reasons = connect.properties.request_problem_information;
  client->terms = {.version = connect.version,
                   .receive_maximum = connect.properties.receive_maximum,
                   .inbound_receive_maximum = limits.awaiting_rel_max,
                   .topic_prefix_bytes = static_cast<std::uint16_t>(place.mountpoint.view().size()),
                   .packet_bytes_max = connect.properties.maximum_packet_size};
  //= MQTT5 [MQTT-3.1.2-22]
  //= MQTT311 [MQTT-3.1.2-24]
  const double seconds = static_cast<double>(keep_alive_of(connect, limits).count()) * limits.keep_alive_factor;
  client->silence_max = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  return client;
}

WillNumber Shard::will_of(const Newcomer& newcomer, const Place& place) {
  if (!newcomer.connect.will) return 0;
  const wire::mqtt::Will& will = *newcomer.connect.will;
  std::string made;
  std::string_view topic =
      rewritten(settings_.rewrites, Rewrite::Of::publish, will.topic, newcomer.client_id, newcomer.user, made);
  const bool is_denied = topic.starts_with("$SYS/") || !ports_.may(newcomer.link, Action::publish, topic);
  const bool is_beyond = beyond(newcomer.limits, topic).has_value();
  topic = with_mountpoint(place, topic, made);
  const bool is_made_well = !is_beyond && valid_topic(topic);
  if (is_denied || !is_made_well) {
    if (is_denied) counters_.messages_denied.add();
    const Reason why = is_denied ? Reason::not_authorized : refuse_topic(RefusedTopic::made);
    ports_.will_refused(newcomer.link, newcomer.client_id, why);
    return 0;
  }
  wire::mqtt::Bytes properties;
  wire::mqtt::append_forwarded(properties, will.properties);
  Will kept;
  kept.delay = will.properties.will_delay;
  kept.user = FlatText(newcomer.user);
  kept.message = Message::make({.id = next_id(),
                                .qos = will.qos,
                                .retain = will.retain,
                                .publisher = place.session.serial(),
                                .expires = Message::kNever,
                                .topic = topic,
                                .properties = properties,
                                .payload = will.payload});
  if (will.properties.has(Property::message_expiry)) kept.expiry = will.properties.message_expiry;
  return wills_.set(newcomer.client_id, newcomer.token, std::move(kept));
}

// Says what differs from what the client asked for, or from what the standard takes for granted.
//= MQTT5 [MQTT-3.2.2-9] to [MQTT-3.2.2-22]
Connack Shard::connack_of(const Newcomer& newcomer, Seconds expiry, bool present) {
  const Connect& connect = newcomer.connect;
  const ListenerLimits& limits = newcomer.limits;
  Connack connack;
  connack.session_present = present && connect.version != Protocol::v31;
  if (connect.version != Protocol::v5) return connack;
  wire::mqtt::Properties& say = connack.properties;
  //= MQTT5 [MQTT-4.12.0-5]
  if (connect.properties.has(Property::auth_method)) say.set(Property::auth_method, connect.properties.auth_method);
  if (!newcomer.auth_data.empty()) say.set(Property::auth_data, newcomer.auth_data);
  if (newcomer.is_assigned) say.set(Property::assigned_client_id, newcomer.client_id);
  if (expiry != connect.properties.session_expiry) say.set(Property::session_expiry, expiry.count());
  if (limits.awaiting_rel_max < 65'535) say.set(Property::receive_maximum, limits.awaiting_rel_max);
  if (limits.qos_max < Qos::exactly_once) say.set(Property::maximum_qos, static_cast<std::uint32_t>(limits.qos_max));
  if (!limits.retain_available) say.set(Property::retain_available, 0U);
  if (limits.packet_size_max < wire::mqtt::kBodyBytesMax)
    say.set(Property::maximum_packet_size, limits.packet_size_max);
  if (limits.topic_alias_max > 0) say.set(Property::topic_alias_maximum, limits.topic_alias_max);
  if (!limits.wildcard_available) say.set(Property::wildcard_subscription_available, 0U);
  if (!limits.shared_available) say.set(Property::shared_subscription_available, 0U);
  const Seconds keep_alive = keep_alive_of(connect, limits);
  if (keep_alive != connect.keep_alive) say.set(Property::server_keep_alive, keep_alive.count());
  return connack;
}

std::chrono::milliseconds Shard::silence_max(std::uint32_t at) { return places_[at].client->silence_max; }

void Shard::on_silence(std::uint32_t at, base::Time now) {
  send_away(at, Reason::keep_alive_timeout, "nothing was said for too long", EndReason::keep_alive_timeout, now);
}

void Shard::on_lost(std::uint32_t at, EndReason reason, base::Time now) { end_client(at, reason, WillNow::yes, now); }

bool Shard::kick(std::string_view client_id, Reason reason, EndReason why, base::Time now) {
  const auto found = ids_.find(client_id);
  if (found == ids_.end() || !places_[found->second].client) return false;
  send_away(found->second, reason, "ended by command", why, now);
  return true;
}

// Tells the client, ends the connection, and the will is published: DISCONNECT of the server is no orderly end.
//= MQTT5 [MQTT-3.1.2-8]
void Shard::send_away(std::uint32_t at, Reason reason, const char* what, EndReason why, base::Time now) {
  Client& client = *places_[at].client;
  client.send_disconnect(reason, what);
  ports_.end(client.link, why);
  end_client(at, why, WillNow::yes, now);
}

//= MQTT5 [MQTT-3.1.4-3]
void Shard::take_over(std::uint32_t at, base::Time now) {
  Client& client = *places_[at].client;
  counters_.taken_over.add();
  client.send_disconnect(Reason::session_taken_over, "another connection has come with this client id");
  ports_.end(client.link, EndReason::taken_over);
  detach(at, EndReason::taken_over, WillNow::yes, now);
}

// The client has gone; its session stays for as long as it may.
void Shard::end_client(std::uint32_t at, EndReason reason, WillNow will, base::Time now) {
  detach(at, reason, will, now);
  Place& place = places_[at];
  if (stopping_) return;
  const base::Time ends = place.session.ends_at();
  if (ends <= now) return discard_session(at, told::SessionEnded::Why::with_connection, now);
  redistribute(at, Stays::yes, now);
  place.due = ++last_due_;
  due(Due::What::session_end, ends, place.due, places_.key_of(at));
}

void Shard::detach(std::uint32_t at, EndReason reason, WillNow will_now, base::Time now) {
  Place& place = places_[at];
  if (hooks_.wants(HookKind::gone)) {
    tell(told::Gone{.who = who(place.session), .address = place.client->address, .reason = reason}, now);
  }
  const std::unique_ptr<Client> client = std::move(place.client);
  place.session.detach(now);
  set_presence(at, Presence::offline);
  counters_.clients.add(-1);
  if (client->will == 0) return;
  if (will_now == WillNow::no) return wills_.clear(client->will);
  //= MQTT5 [MQTT-3.1.3-9]
  const wire::mqtt::Seconds delay = wills_.find(client->will)->will.delay;
  if (delay.count() == 0) return fire(client->will, now);
  place.will = client->will;
  due(Due::What::will, now + delay, place.will, places_.key_of(at));
}

// The one gate that wills go through.
void Shard::fire(WillNumber number, base::Time now) {
  WillRegistry::Record& record = *wills_.find(number);
  if (!ports_.may_fire(record.client_id, record.token)) {
    return due(Due::What::will, now + kWillHeldBack, number, {});
  }
  const Will will = std::move(record.will);
  counters_.wills.add();
  Message::Parts parts{.id = will.message->id(),
                       .qos = will.message->qos(),
                       .retain = will.message->retain(),
                       .publisher = will.message->publisher(),
                       .expires = will.expiry ? now + *will.expiry : Message::kNever,
                       .topic = will.message->topic(),
                       .properties = will.message->properties(),
                       .payload = will.message->payload()};
  if (hooks_.wants(HookKind::published)) tell_published({record.client_id, will.user.view()}, parts, {});
  wills_.clear(number);
  (void)publish_parts(parts, now);
}

// The session has come to its end, or is not wanted any more.
void Shard::discard_session(std::uint32_t at, told::SessionEnded::Why why, base::Time now) {
  const WillNumber will = std::exchange(places_[at].will, 0);
  redistribute(at, Stays::no, now);
  Place& place = places_[at];
  while (!place.session.subscriptions().empty()) {
    const std::string filter(place.session.subscriptions().back().filter.view());
    (void)unsubscribe(at, filter);
  }
  place.session.discard(*this);
  if (hooks_.wants(HookKind::session_ended)) {
    hooks_.tell(told::SessionEnded{.who = who(place.session), .why = why});
  }
  const std::string client_id(place.session.client_id());
  ids_.erase(place.session.client_id());
  places_.remove(places_.key_of(at));
  counters_.sessions.set(static_cast<std::int64_t>(places_.size()));
  release(client_id);
  if (will != 0) fire(will, now);  //= MQTT5 [MQTT-3.1.2-8]
}

void Shard::auto_subscribe(std::uint32_t at, base::Time now) {
  if (settings_.auto_subscriptions.empty()) return;
  PendingSuback pending = pending_for(at, 0);
  for (const AutoSubscription& each : settings_.auto_subscriptions) {
    if (!names_fit(each.filter, places_[at].session.client_id(), places_[at].session.user_name())) continue;
    std::string filter;
    const Session& session = places_[at].session;
    expand(filter, each.filter, session.client_id(), session.user_name());
    pending.codes.push_back(subscribe(at, filter, each.options, pending));
  }
  wait_for_answers(std::move(pending), now);
}

}  // namespace holdfast::broker
