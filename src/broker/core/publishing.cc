// From a PUBLISH to everybody who wants it. The rest of Shard is in shard.cc.
#include <algorithm>
#include <charconv>

#include "broker/core/rewrite.h"
#include "broker/core/shard.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::Property;
using wire::mqtt::Reason;

namespace {

//= MQTT5 [MQTT-3.3.2-2]
//= MQTT311 [MQTT-3.3.2-2]
constexpr Fault kBadTopic{Reason::topic_name_invalid, "MQTT5 [MQTT-3.3.2-2]", "a topic that cannot be published to"};
//= MQTT5 [MQTT-3.2.2-11]
constexpr Fault kQosTooHigh{Reason::qos_not_supported, "MQTT5 [MQTT-3.2.2-11]", "a QoS above the server's maximum"};
//= MQTT5 [MQTT-3.2.2-14]
constexpr Fault kNoRetain{Reason::retain_not_supported, "MQTT5 [MQTT-3.2.2-14]", "retained messages are not available"};

constexpr std::string_view kDelayed = "$delayed/";

struct DelayedTopic {
  std::chrono::seconds delay{0};
  std::string_view topic;
};

// $delayed/SECONDS/TOPIC
std::optional<DelayedTopic> parse_delayed(std::string_view name) {
  name.remove_prefix(kDelayed.size());
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), seconds);
  if (error != std::errc() || end == name.data() + name.size() || *end != '/') return std::nullopt;
  const std::string_view topic = name.substr(static_cast<std::size_t>(end - name.data()) + 1);
  if (!valid_topic(topic)) return std::nullopt;
  return DelayedTopic{std::chrono::seconds(seconds), topic};
}

}  // namespace

void Shard::on_publish(std::uint32_t at, const wire::mqtt::Header& header, wire::mqtt::Body body, base::Time now) {
  Place& place = places_[at];
  Client& client = *place.client;
  const Fault* fault =
      wire::mqtt::decode_publish(header, body, client.terms.version, wire::mqtt::Sender::client, publish_);
  // An alias keeps no more of a topic than it takes to see each time that it is too long.
  std::string_view topic = publish_.topic.substr(0, std::size_t{client.limits.topic_length_max} + 1);
  if (fault == nullptr && has_wildcard(publish_.topic)) fault = &kBadTopic;
  if (fault == nullptr) fault = client.inbound.resolve(publish_.properties.topic_alias, topic);
  if (fault == nullptr && topic.empty()) fault = &kBadTopic;
  if (fault == nullptr && publish_.qos > client.limits.qos_max) fault = &kQosTooHigh;
  if (fault == nullptr && publish_.retain && !client.limits.retain_available) fault = &kNoRetain;
  if (fault != nullptr) return fail(at, *fault, now);
  counters_.messages_received[static_cast<std::size_t>(publish_.qos)].add();
  if (publish_.qos == Qos::at_most_once) {
    if (accept(place, publish_, topic, now) == Reason::not_authorized) denied(at, now);
    return;
  }
  const Arrival arrival = place.session.on_publish(publish_.qos, publish_.packet_id, context(place, now));
  if (arrival.what == Arrival::What::fault) return fail(at, *arrival.fault, now);
  if (arrival.what != Arrival::What::fresh) return;
  const Reason reason = accept(place, publish_, topic, now);
  on_taken({places_.key_of(at), arrival.ticket}, reason, now);
  if (reason == Reason::not_authorized) denied(at, now);
}

// Older versions cannot say what went wrong: the message is acknowledged, and has gone nowhere.
//= MQTT311 [MQTT-3.3.5-2]
void Shard::on_taken(const Ticket& ticket, Reason reason, base::Time now) {
  Place* place = places_.find(ticket.place);
  if (place == nullptr) return;
  const bool can_tell = place->client && place->client->is_v5();
  place->session.on_taken(ticket.number, can_tell ? reason : Reason::success, context(*place, now));
}

void Shard::denied(std::uint32_t at, base::Time now) {
  if (!settings_.denied_disconnects || !places_[at].client) return;
  send_away(at, Reason::not_authorized, "the access rules do not allow it", EndReason::not_authorized, now);
}

Reason Shard::accept(Place& place, const wire::mqtt::Publish& publish, std::string_view topic, base::Time now) {
  const Client& client = *place.client;
  const Session& session = place.session;
  if (const auto refused = beyond(client.limits, topic)) return refuse_topic(*refused);
  const char* const as_it_came = topic.data();
  std::optional<DelayedTopic> delayed;
  if (topic.starts_with(kDelayed)) {  // rewrite rules see the topic that it is about
    delayed = parse_delayed(topic);
    if (!delayed) return refuse_topic(RefusedTopic::delayed);
    topic = delayed->topic;
  }
  topic = rewritten(settings_.rewrites, Rewrite::Of::publish, topic, session.client_id(), session.user_name(), made_);
  if (topic.starts_with(kDelayed)) {  // so they have made it, or it was put there twice
    if (delayed) return refuse_topic(RefusedTopic::delayed);
    delayed = parse_delayed(topic);
    if (!delayed || delayed->topic.starts_with(kDelayed)) return refuse_topic(RefusedTopic::delayed);
    topic = delayed->topic;
  }
  if (topic.starts_with("$SYS/") || !ports_.may(client.link, Action::publish, topic)) {
    counters_.messages_denied.add();
    return Reason::not_authorized;
  }
  bool is_made_well = topic.data() == as_it_came || !beyond(client.limits, topic);
  topic = with_mountpoint(place, topic, made_);
  is_made_well = is_made_well && (topic.data() == as_it_came || valid_topic(topic));
  if (!is_made_well) return refuse_topic(RefusedTopic::made);
  Message::Parts parts{.id = next_id(),
                       .qos = publish.qos,
                       .retain = publish.retain,
                       .publisher = session.serial(),
                       .topic = topic,
                       .properties = {},
                       .payload = publish.payload};
  if (publish.properties.present != 0) take_properties(parts, publish.properties, now);
  const bool is_told = hooks_.wants(HookKind::published);
  if (delayed) {
    const Reason reason = delay(parts, delayed->delay, now);
    if (is_told && reason == Reason::success) tell_published(who(session), parts, delayed->delay);
    return reason;
  }
  if (is_told) tell_published(who(session), parts, {});
  return publish_parts(parts, now);
}

void Shard::tell_published(const told::Who& from, const Message::Parts& parts, std::chrono::seconds delay) {
  const told::MessageView view{parts.id, parts.topic, parts.qos, parts.retain, parts.properties, parts.payload};
  hooks_.tell(told::Published{.from = from, .message = view, .delay = delay});
}

// What a client publishes, its will, and what rewrite rules make of either: one measure for all of it. What it
// subscribes to is measured alike.
std::optional<RefusedTopic> Shard::beyond(const ListenerLimits& limits, std::string_view topic) noexcept {
  if (topic.size() > limits.topic_length_max) return RefusedTopic::too_long;
  const std::size_t levels_max = std::min<std::size_t>(limits.topic_levels_max, kLevelsMax);
  return count_levels(topic) > levels_max ? std::optional(RefusedTopic::too_deep) : std::nullopt;
}

// MQTT5 3.4.2.1: not malformed, but not accepted. QoS 0 has no answer, and older versions no words: they are counted.
Reason Shard::refuse_topic(RefusedTopic reason) {
  counters_.topics_refused[static_cast<std::size_t>(reason)].add();
  return Reason::topic_name_invalid;
}

//= MQTT5 [MQTT-3.3.2-4]
//= MQTT5 [MQTT-3.3.2-15]
//= MQTT5 [MQTT-3.3.2-16]
//= MQTT5 [MQTT-3.3.2-17]
//= MQTT5 [MQTT-3.3.2-18]
//= MQTT5 [MQTT-3.3.2-20]
void Shard::take_properties(Message::Parts& parts, const wire::mqtt::Properties& properties, base::Time now) {
  if (properties.has(Property::message_expiry)) parts.expires = now + properties.message_expiry;
  if (const auto as_they_came = wire::mqtt::forwarded_as_they_came(properties)) {
    parts.properties = *as_they_came;
  } else {
    forwarded_.clear();
    wire::mqtt::append_forwarded(forwarded_, properties);
    parts.properties = forwarded_;
  }
}

Reason Shard::delay(const Message::Parts& parts, std::chrono::seconds delay, base::Time now) {
  const MessageRef message = delay <= settings_.delayed_longest ? Message::make(parts) : MessageRef();
  if (!message || !ports_.take_delayed_room(message->bytes())) {
    counters_.delayed_refused.add();
    return Reason::quota_exceeded;
  }
  const std::uint64_t serial = ++last_due_;
  delayed_.emplace(serial, message);
  counters_.delayed.set(static_cast<std::int64_t>(delayed_.size()));
  due(Due::What::delayed, now + delay, serial, {});
  return Reason::success;
}

MessageId Shard::next_id() noexcept {
  return {.number = ++last_message_ * kShardsMax + number_, .epoch = settings_.epoch, .node = settings_.node};
}

void Shard::publish(const Message::Parts& parts, base::Time now) {
  Message::Parts own = parts;
  own.id = next_id();
  (void)publish_parts(own, now);
}

void Shard::publish_message(const MessageRef& message, base::Time now) {
  find_receivers(HashedTopic(message->topic(), settings_.hash_key), message->publisher());
  (void)hand_out(message, now);
}

// Nothing is made of a message that nobody wants.
Reason Shard::publish_parts(const Message::Parts& parts, base::Time now) {
  find_receivers(HashedTopic(parts.topic, settings_.hash_key), parts.publisher);
  if (hits_.empty() && hit_groups_.empty() && wanting_shards_ == 0 && !parts.retain) {
    counters_.messages_unmatched.add();
    return Reason::no_matching_subscribers;
  }
  return hand_out(Message::make(parts), now);
}

void Shard::find_receivers(const HashedTopic& topic, std::uint64_t publisher) {
  ++match_;
  hits_.clear();
  hit_ids_.clear();
  hit_groups_.clear();
  tree_.match(topic, [&](std::string_view filter, const Subscription& subscription) {
    Place& place = places_[subscription.subscriber];
    if (is_behind(place.mountpoint.view(), filter, topic.text())) add_hit(place, subscription, publisher);
  });
  if (group_tree_.filters() > 0) {
    group_tree_.match(topic, [&](std::string_view filter, const Subscription& subscription) {
      const ShareGroups::Group group = subscription.subscriber & ~kGroupBit;
      if (is_behind(mountpoint_of(group), filter, topic.text())) hit_groups_.push_back(group);
    });
  }
  wanting_shards_ = settings_.shards > 1 ? routes_.match(topic) : 0;
}

// One copy for each client, with the highest QoS of its subscriptions that match, and the identifiers of all of them.
//= MQTT5 [MQTT-3.3.4-2]
//= MQTT5 [MQTT-3.3.4-3]
//= MQTT311 [MQTT-3.3.5-1]
void Shard::add_hit(Place& place, const Subscription& subscription, std::uint64_t publisher) {
  const SubscriptionOptions& options = subscription.options;
  //= MQTT5 [MQTT-3.8.3-3]
  if (options.no_local && publisher == place.session.serial()) return;
  if (place.match != match_) {
    place.match = match_;
    place.hit = static_cast<std::uint32_t>(hits_.size());
    hits_.push_back({.place = subscription.subscriber});
  }
  Hit& hit = hits_[place.hit];
  hit.qos = std::max(hit.qos, options.qos);
  hit.retain_as_published |= options.retain_as_published;
  if (options.identifier == 0) return;
  hit_ids_.push_back({options.identifier, hit.first_id});
  hit.first_id = static_cast<std::uint32_t>(hit_ids_.size() - 1);
}

// Gives the message to all that find_receivers() has found.
Reason Shard::hand_out(const MessageRef& message, base::Time now) {
  Version version;
  if (message->retain()) {
    version = {++last_version_, static_cast<std::uint16_t>(number_)};
    version.clock = std::max(version.clock, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    last_version_ = version.clock;
    keep_retained(message, version, now);
  }
  const bool taken = !hits_.empty() || !hit_groups_.empty() || wanting_shards_ != 0;
  for (const Hit& hit : hits_) deliver(message, hit, now);
  for (const ShareGroups::Group group : hit_groups_) deliver_to_group(message, group, now);
  if (settings_.shards > 1) forward(message, version);
  if (!taken) counters_.messages_unmatched.add();
  return taken ? Reason::success : Reason::no_matching_subscribers;
}

void Shard::deliver(const MessageRef& message, const Hit& hit, base::Time now) {
  ids_scratch_.clear();
  for (std::uint32_t id = hit.first_id; id != kNoId; id = hit_ids_[id].next) ids_scratch_.push_back(hit_ids_[id].id);
  Place& place = places_[hit.place];
  //= MQTT5 [MQTT-3.3.1-12]
  //= MQTT5 [MQTT-3.3.1-13]
  //= MQTT311 [MQTT-3.3.1-9]
  const Delivery delivery{.qos = hit.qos,
                          .retain = hit.retain_as_published && message->retain(),
                          .share_group = kNoShareGroup,
                          .subscription_ids = ids_scratch_};
  note(place, place.session.deliver(message, delivery, context(place, now)));
}

void Shard::note(const Place& place, const Outcome& outcome) {
  if (!outcome.disconnect || !place.client) return;
  doomed_.push_back({places_.key_of(place_of(place.session)), place.client->link});
}

// Those whose queue was full, and whose policy is that they go.
void Shard::end_doomed(base::Time now) {
  for (std::size_t i = 0; i < doomed_.size(); ++i) {  // a will may doom another
    const Doomed doomed = doomed_[i];
    const Place* place = places_.find(doomed.place);
    if (place == nullptr || !place->client || place->client->link != doomed.link) continue;
    send_away(doomed.place.index, Reason::quota_exceeded, "too much waits for this client", EndReason::queue_full, now);
  }
  doomed_.clear();
}

void Shard::keep_retained(const MessageRef& message, const Version& version, base::Time now) {
  if (message->payload().size() > settings_.retained_payload_max) return counters_.retained_refused.add();
  MessageRef kept = message;
  if (settings_.retained_expiry.count() > 0 && message->expires() == Message::kNever) {
    kept = Message::make({.id = message->id(),
                          .qos = message->qos(),
                          .retain = true,
                          .publisher = message->publisher(),
                          .expires = now + settings_.retained_expiry,
                          .topic = message->topic(),
                          .properties = message->properties(),
                          .payload = message->payload()});
  }
  const RetainedTree::Put put = retained_.put(kept, version, now);
  if (put == RetainedTree::Put::too_many || put == RetainedTree::Put::too_large) {
    counters_.retained_refused.add();
  } else {
    counters_.messages_retained.add();
  }
}

// To the other shards: those that have subscribers, those that were picked for a group, and a retained message to all.
void Shard::forward(const MessageRef& message, const Version& version) {
  for (unsigned shard = 0; shard < settings_.shards; ++shard) {
    if (shard == number_) continue;
    const bool wanted = (wanting_shards_ >> shard & 1) != 0;
    if (!wanted && !message->retain() && picks_[shard].empty()) continue;
    counters_.messages_forwarded.add();
    ports_.mail(shard, Forward{.message = message,
                               .version = version,
                               .groups = std::move(picks_[shard]),
                               .retained = message->retain(),
                               .wanted = wanted});
    picks_[shard].clear();
  }
}

void Shard::receive(Forward&& forward, base::Time now) {
  const MessageRef& message = forward.message;
  if (forward.retained) {
    // What is published here because of this one is newer.
    last_version_ = std::max(last_version_, forward.version.clock);
    keep_retained(message, forward.version, now);
  }
  if (forward.wanted) {
    find_receivers(HashedTopic(message->topic(), settings_.hash_key), message->publisher());
    for (const Hit& hit : hits_) deliver(message, hit, now);
  }
  for (const std::uint64_t key : forward.groups) deliver_to_group_from_elsewhere(message, key, now);
}

}  // namespace holdfast::broker
