// The queue of a pool: connections that wait because every server is full, or down. The rest of Relays is in relays.cc.
//
// Each worker has a line of its own, and the one whose first has waited longest is served first. Whoever frees a place
// wakes that worker; besides, the first in each line looks with each tick, because rates free places by time alone.
#include <algorithm>

#include "gateway/relays.h"

namespace holdfast::gateway {

void Relays::wait(base::Key key, Relay& relay) {
  const Pool& pool = this->pool(relay);
  if (pool.load->waiting.fetch_add(1, std::memory_order_relaxed) >= pool.queue) {
    pool.load->waiting.fetch_sub(1, std::memory_order_relaxed);
    return end(key, relay, CloseReason::queue_full);
  }
  ++waiting_;
  relay.stage = Relay::Stage::waiting;
  relay.last_activity = loop_.tick();
  WaitingLine& line = lines_[rules(relay).pool];
  line.join(key.index);
  tell_head(rules(relay).pool);
  const bool is_first = line.first() == key.index;
  const base::Tick last = base::Tick::not_before(loop_.now() + pool.queue_timeout);
  timers_.arm(key.index, is_first ? base::Tick{loop_.tick().count + 1} : last);
}

void Relays::leave_line(base::Key key, Relay& relay) {
  const std::uint16_t number = rules(relay).pool;
  WaitingLine& line = lines_[number];
  line.leave(key.index);
  --waiting_;
  pool(relay).load->waiting.fetch_sub(1, std::memory_order_relaxed);
  timers_.cancel(key.index);
  if (!line.empty()) timers_.arm(line.first(), base::Tick{loop_.tick().count + 1});
  tell_head(number);
}

void Relays::on_waited(base::Key key, Relay& relay) {
  const auto waited = loop_.tick().since(relay.last_activity);
  if (waited >= pool(relay).queue_timeout + base::Tick::kLength) return end(key, relay, CloseReason::queue_timeout);
  timers_.arm(key.index, base::Tick{loop_.tick().count + 1});
  if (lines_[rules(relay).pool].first() == key.index) serve(rules(relay).pool);
}

void Relays::serve_lines() {
  for (std::uint16_t pool = 0; pool < lines_.size(); ++pool) {
    const std::uint32_t freed = pools_.get().pools[pool]->load->freed.load(std::memory_order_acquire);
    if (lines_[pool].empty() || lines_[pool].seen_freed == freed) continue;
    lines_[pool].seen_freed = freed;
    serve(pool);
  }
}

// Lets the first in line go on, as long as there is a server for it and nobody elsewhere has waited longer.
void Relays::serve(std::uint16_t number) {
  const PoolLoad& load = *pools_.get().pools[number]->load;
  WaitingLine& line = lines_[number];
  while (!line.empty()) {
    for (std::size_t i = 0; i < context_.workers.size(); ++i) {
      if (load.heads[i].load(std::memory_order_acquire) < line.head()) return context_.workers[i]->wake();
    }
    const base::Key key = relays_.key_of(line.first());
    Relay& relay = relays_[key.index];
    const Choice choice = choose(relay);
    if (choice.answer != Choice::Answer::server) return;
    leave_line(key, relay);
    relay.stage = Relay::Stage::connecting;
    relay.last_activity = loop_.tick();
    dial(key, relay, choice);
  }
}

void Relays::tell_head(std::uint16_t pool) {
  pools_.get().pools[pool]->load->heads[context_.number].store(lines_[pool].head(), std::memory_order_release);
}

// A place has become free: whoever has waited longest is told.
void Relays::give_chance(std::uint16_t number) {
  PoolLoad& load = *pools_.get().pools[number]->load;
  if (load.waiting.load(std::memory_order_relaxed) == 0) return;
  load.freed.fetch_add(1, std::memory_order_release);
  std::size_t longest = 0;
  for (std::size_t i = 1; i < context_.workers.size(); ++i) {
    if (load.heads[i].load(std::memory_order_acquire) < load.heads[longest].load(std::memory_order_acquire))
      longest = i;
  }
  context_.workers[longest]->wake();
}

}  // namespace holdfast::gateway
