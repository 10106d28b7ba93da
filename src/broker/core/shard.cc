// The shard as a whole: its deadlines, its mail. What clients do is in connecting.cc, packets.cc, publishing.cc,
// subscribing.cc and sharing.cc.
#include "broker/core/shard.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::broker {
namespace {

constexpr base::Duration kTickMax = std::chrono::seconds(1);
constexpr base::Duration kSweep = std::chrono::milliseconds(200);
constexpr std::uint32_t kSweepPlaces = 2048;
constexpr int kDuesATurn = 1000;
constexpr std::size_t kDuesMin = 1024;

}  // namespace

Shard::Shard(const ShardSettings& settings, unsigned number, Ports& ports, ShardCounters& counters)
    : settings_(settings),
      number_(number),
      ports_(ports),
      counters_(counters),
      hooks_(settings.hooks, *this),
      tools_{ports, counters, hooks_},
      ids_(0, TextHash{settings.hash_key}),
      claims_(settings.hash_key),
      tree_(settings.hash_key),
      group_tree_(settings.hash_key),
      routes_(settings.hash_key),
      retained_(settings.hash_key, settings.retained),
      groups_({.key = settings.hash_key,
               .strategy = settings.share_strategy,
               .self = number,
               .seed = base::mix(settings.random_seed + number)}),
      random_(base::mix(settings.random_seed) + number),
      picks_(settings.shards),
      exclusive_(0, TextHash{settings.hash_key}) {
  wants_acknowledged = hooks_.wants(HookKind::acknowledged);
}

Shard::~Shard() = default;

void Shard::due(Due::What what, base::Time at, std::uint64_t serial, base::Key place) {
  if (at == base::Time::max()) return;
  if (dues_.size() >= std::max(kDuesMin, 2 * dues_checked_)) forget_void_dues();
  dues_.push_back({at, what, serial, place});
  std::push_heap(dues_.begin(), dues_.end());
}

// A client that comes and goes leaves one behind each time, for as long as its session could have waited.
void Shard::forget_void_dues() {
  std::erase_if(dues_, [this](const Due& each) { return is_void(each); });
  std::make_heap(dues_.begin(), dues_.end());
  dues_checked_ = dues_.size();
}

bool Shard::is_void(const Due& due) {
  if (due.what == Due::What::delayed) return !delayed_.contains(due.serial);
  if (due.what == Due::What::will) return wills_.find(due.serial) == nullptr;
  const Place* place = places_.find(due.place);
  if (place == nullptr || place->client) return true;
  return place->due != due.serial;
}

base::Time Shard::tick(base::Time now) {
  for (int left = kDuesATurn; left > 0 && !dues_.empty() && dues_.front().at <= now; --left) {
    const Due next = dues_.front();
    std::pop_heap(dues_.begin(), dues_.end());
    dues_.pop_back();
    if (!is_void(next)) on_due(next, now);
  }
  end_doomed(now);
  if (has_woken_) take_what_waits(now);
  if (now - swept_ >= kSweep) {
    swept_ = now;
    take_what_waits(now);
    (void)retained_.expire(kSweepPlaces, now);
    tell_busy_groups();
    tell_sizes();
  }
  if (go_on_scanning(now)) return now;
  const base::Time latest = now + kTickMax;
  return dues_.empty() ? latest : std::min(latest, dues_.front().at);
}

void Shard::on_due(const Due& due, base::Time now) {
  if (due.what == Due::What::delayed) {
    const auto found = delayed_.find(due.serial);
    const MessageRef message = std::move(found->second);
    delayed_.erase(found);
    ports_.give_delayed_room(message->bytes());
    counters_.delayed.set(static_cast<std::int64_t>(delayed_.size()));
    publish_message(message, now);
    return;
  }
  if (due.what == Due::What::will) {
    Place* place = places_.find(due.place);
    if (place != nullptr && place->will == due.serial) place->will = 0;
    return fire(due.serial, now);
  }
  counters_.sessions_expired.add();
  discard_session(due.place.index, told::SessionEnded::Why::expired, now);
}

void Shard::on_mail(unsigned from, Mail mail, base::Time now) {
  struct Reader {
    Shard& shard;
    unsigned from;
    base::Time now;

    void operator()(Forward& mail) { shard.receive(std::move(mail), now); }
    void operator()(RouteChange& mail) {
      if (mail.added) {
        shard.routes_.add(mail.filter, from);
      } else {
        shard.routes_.remove(mail.filter, from);
      }
    }
    void operator()(RoutesAsk& mail) { shard.ports_.mail(from, RoutesSeen{mail.ticket}); }
    void operator()(RoutesSeen& mail) { shard.on_answer(mail.ticket, now); }
    void operator()(GroupCount& mail) { shard.on_group(from, mail); }
    void operator()(GroupRoom& mail) { shard.on_group_room(from, mail, now); }
    void operator()(GroupRest& mail) { shard.on_group_rest(mail); }
    void operator()(Claim& mail) {
      const unsigned holder = shard.claims_.claim(mail.client_id, from);
      shard.ports_.mail(from, Granted{std::move(mail.client_id), mail.link, holder});
    }
    void operator()(Granted& mail) {
      if (!shard.ports_.granted(mail.link, mail.holder)) shard.give_back(mail.client_id);
    }
    void operator()(Settled& mail) { shard.claims_.settle(mail.client_id, mail.outcome); }
    void operator()(Release& mail) { shard.claims_.release(mail.client_id); }
    void operator()(ExclusiveAsk& mail) {
      const bool granted = shard.take_exclusive(mail.topic, {from, mail.session});
      shard.ports_.mail(from, ExclusiveAnswer{std::move(mail.topic), mail.session, mail.ticket, mail.index, granted});
    }
    void operator()(ExclusiveAnswer& mail) { shard.on_exclusive(mail, now); }
    void operator()(ExclusiveRelease& mail) { shard.give_exclusive(mail.topic, {from, mail.session}); }
  };
  std::visit(Reader{*this, from, now}, mail);
}

void Shard::mail_all(const Mail& mail) {
  for (unsigned shard = 0; shard < settings_.shards; ++shard) {
    if (shard != number_) ports_.mail(shard, mail);
  }
}

// Which shard orders what is asked about this name.
unsigned Shard::orders(std::string_view name) const noexcept {
  return settings_.shards == 1 ? 0 : static_cast<unsigned>(keyed_hash(settings_.hash_key, name) % settings_.shards);
}

std::string_view Shard::with_mountpoint(const Place& place, std::string_view name, std::string& made) {
  if (place.mountpoint.view().empty()) return name;
  made = mounted(place, name);  // `name` may be a view into what was there
  return made;
}

std::string Shard::mounted(const Place& place, std::string_view filter) {
  std::string whole(place.mountpoint.view());
  whole += filter;
  return whole;
}

void Shard::dropped(const Session& session, const Message& message, DropReason reason) {
  counters_.dropped[static_cast<std::size_t>(reason)].add();
  if (!hooks_.wants(HookKind::dropped)) return;
  hooks_.tell(told::Dropped{.to = who(session), .message = told::view_of(message), .reason = reason});
}

void Shard::settled(const Session& session, std::uint32_t share_group) { note_in_flight(session, share_group); }

void Shard::acknowledged(const Session& session, const OutItem& copy) {
  told::MessageView view = told::view_of(*copy.message);
  view.qos = copy.qos;
  view.retain = copy.retain;
  hooks_.tell(told::Acknowledged{.by = who(session), .message = view});
}

void Shard::tell(const HookEvent& event, base::Time now) {
  announcing_ = now;
  hooks_.tell(event);
  announcing_.reset();
}

bool Shard::is_wanted(std::string_view topic) {
  if (!announcing_) std::abort();  // it would forget the receivers of the message that is being handed out
  find_receivers(HashedTopic(topic, settings_.hash_key), 0);
  return !hits_.empty() || !hit_groups_.empty() || wanting_shards_ != 0;
}

void Shard::announce(const Message::Parts& parts) {
  if (!announcing_) std::abort();
  const base::Time now = *announcing_;
  announcing_.reset();  // what its copies are told of may not announce in turn
  publish(parts, now);
  announcing_ = now;
}

void Shard::tell_sizes() {
  counters_.sessions.set(static_cast<std::int64_t>(places_.size()));
  counters_.subscriptions.set(static_cast<std::int64_t>(tree_.subscriptions() + groups_.members()));
  counters_.shared_subscriptions.set(static_cast<std::int64_t>(groups_.members()));
  counters_.retained.set(static_cast<std::int64_t>(retained_.size()));
  counters_.retained_bytes.set(static_cast<std::int64_t>(retained_.bytes()));
  counters_.routes.set(static_cast<std::int64_t>(routes_.fingerprints()));
  counters_.routes_wide.set(static_cast<std::int64_t>(routes_.wide()));
}

void Shard::stop(base::Time now) {
  stopping_ = true;
  places_.for_each([&](base::Key key, Place& place) {
    if (!place.client) return;
    place.client->send_disconnect(wire::mqtt::Reason::server_shutting_down, "the server stops");
    ports_.end(place.client->link, EndReason::stopped);
    end_client(key.index, EndReason::stopped, WillNow::no, now);
  });
}

}  // namespace holdfast::broker
