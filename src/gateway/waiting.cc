// The queue of a pool: connections that wait because every server is full, or down. The rest of Relays is in relays.cc.
//
// Each worker has a line of its own, and the one whose first has waited longest is served first. Whoever frees a place
// wakes that worker; besides, the first in each line looks with each tick, because rates free places by time alone.
#include <algorithm>

#include "gateway/relays.h"

namespace holdfast::gateway {

// Nobody waits only to be told that it is its turn.
bool Relays::has_given_up(Relay& relay) {
  const Leg& client = relay.leg(End::client);
  return client.broken || (client.hangup && client.transport.peer_has_ended());
}

void Relays::wait(base::Key key, Relay& relay) {
  if (has_given_up(relay)) return end(key, relay, CloseReason::client_closed);
  const Pool& pool = this->pool(relay);
  // Whose turn it was already, and who found no server after all, has its place for certain, and the one that it had.
  if (pool.load->waiting.fetch_add(1, std::memory_order_relaxed) >= pool.queue && relay.ticket() == 0) {
    pool.load->waiting.fetch_sub(1, std::memory_order_relaxed);
    return end(key, relay, CloseReason::queue_full);
  }
  ++waiting_;
  relay.tried.fill(kNoServer);  // by the time that it is served, they may be good again
  relay.stage = Relay::Stage::waiting;
  relay.last_activity = loop_.tick();
  WaitingLine& line = lines_[relay.pool];
  if (relay.ticket() == 0) {
    relay.ticket() = pool.load->tickets.fetch_add(1, std::memory_order_relaxed) + 1;
    relay.joined() = loop_.tick().count;
    line.join(key.index);
  } else {
    line.join_again(key.index);
  }
  tell_head(relay.pool);
  const bool is_first = line.first() == key.index;
  const auto whole = static_cast<std::uint32_t>(pool.queue_timeout / base::Tick::kLength);
  const base::Tick last{static_cast<std::uint32_t>(relay.joined()) + whole + 2};
  timers_.arm(key.index, is_first ? base::Tick{loop_.tick().count + 1} : last);
}

void Relays::leave_line(base::Key key, Relay& relay) {
  unlink(key, relay);
  pool(relay).load->waiting.fetch_sub(1, std::memory_order_relaxed);
  tell_head(relay.pool);
}

void Relays::unlink(base::Key key, Relay& relay) {
  WaitingLine& line = lines_[relay.pool];
  line.leave(key.index);
  --waiting_;
  timers_.cancel(key.index);
  if (!line.empty()) timers_.arm(line.first(), base::Tick{loop_.tick().count + 1});
}

void Relays::on_waited(base::Key key, Relay& relay) {
  const auto waited = loop_.tick().since(base::Tick{static_cast<std::uint32_t>(relay.joined())});
  if (waited >= pool(relay).queue_timeout + base::Tick::kLength) return end(key, relay, CloseReason::queue_timeout);
  timers_.arm(key.index, base::Tick{loop_.tick().count + 1});
  if (lines_[relay.pool].first() == key.index) serve(relay.pool);
}

void Relays::serve_lines() {
  for (std::uint16_t pool = 0; pool < lines_.size(); ++pool) {
    if (lines_[pool].empty()) continue;
    const std::uint32_t freed = this->pool(pool).load->freed.load(std::memory_order_acquire);
    if (lines_[pool].seen_freed == freed) continue;
    lines_[pool].seen_freed = freed;
    serve(pool);
  }
}

// Lets the first in line go on, as long as there is a server for it and nobody elsewhere has waited longer.
void Relays::serve(std::uint16_t number) {
  const Pool& pool = this->pool(number);
  WaitingLine& line = lines_[number];
  bool served = false;
  while (!line.empty()) {
    const std::size_t longest = longest_waiting(*pool.load);
    if (pool.load->heads[longest].load(std::memory_order_acquire) < line.head()) {
      if (!served) context_.workers->wake(longest);
      break;
    }
    const base::Key key = relays_.key_of(line.first());
    Relay& relay = relays_[key.index];
    const Choice choice = choose(relay);
    if (choice.answer == Choice::Answer::down && pool.when_all_down == config::WhenAllDown::refuse) {
      end(key, relay, CloseReason::no_server);
      continue;
    }
    if (choice.answer != Choice::Answer::server) return;
    send_on(key, relay, choice);
    if (line.first() == key.index) return;  // others were quicker, and it waits again
    served = true;
  }
  if (served) give_chance(number);
}

// Until it has its server, it counts as the first that waits: nobody takes the place that it was promised, neither a
// newcomer nor the first in another line.
void Relays::send_on(base::Key key, Relay& relay, Choice choice) {
  const std::uint16_t number = relay.pool;
  PoolLoad& load = *pool(relay).load;
  unlink(key, relay);
  relay.stage = Relay::Stage::connecting;
  relay.last_activity = loop_.tick();
  dial(key, relay, choice);
  load.waiting.fetch_sub(1, std::memory_order_relaxed);
  tell_head(number);
}

void Relays::tell_head(std::uint16_t pool) {
  this->pool(pool).load->heads[context_.number].store(lines_[pool].head(), std::memory_order_release);
}

// A place has become free, or somebody has taken one and there may be more: whoever has waited longest is told.
void Relays::give_chance(std::uint16_t number) {
  PoolLoad& load = *pool(number).load;
  if (load.waiting.load(std::memory_order_relaxed) == 0) return;
  load.freed.fetch_add(1, std::memory_order_release);
  context_.workers->wake(longest_waiting(load));
}

// The number of the worker whose first has waited longest.
std::size_t Relays::longest_waiting(const PoolLoad& load) const {
  std::size_t longest = 0;
  for (std::size_t i = 1, count = context_.workers->size(); i < count; ++i) {
    if (load.heads[i].load(std::memory_order_acquire) < load.heads[longest].load(std::memory_order_acquire))
      longest = i;
  }
  return longest;
}

}  // namespace holdfast::gateway
