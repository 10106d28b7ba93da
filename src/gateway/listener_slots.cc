#include "gateway/listener_slots.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::gateway {

std::uint64_t KnownListener::ended() const {
  std::uint64_t sum = 0;
  for (std::size_t worker = 0; worker < slot->workers(); ++worker) {
    for (const base::Counter& closed : slot->counters(worker).closed) sum += closed.value();
  }
  return sum;
}

KnownListener* ListenerSlots::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(listeners_, [name](const auto& each) { return each && each->name() == name; });
  return found == listeners_.end() ? nullptr : found->get();
}

std::size_t ListenerSlots::room(base::Time now) const {
  const auto rested = std::ranges::count_if(closed_, [now](const Closed& each) { return now - each.since >= kRest; });
  return kListenersMax - listeners_.size() + static_cast<std::size_t>(rested);
}

KnownListener& ListenerSlots::open(base::Time now, std::size_t workers) {
  if (room(now) == 0) std::abort();
  std::size_t number = listeners_.size();
  if (!closed_.empty() && now - closed_.front().since >= kRest) {
    number = closed_.front().number;
    closed_.pop_front();
  } else {
    listeners_.emplace_back();
  }
  listeners_[number] = std::make_unique<KnownListener>();
  listeners_[number]->number = static_cast<std::uint16_t>(number);
  listeners_[number]->slot = std::make_shared<ListenerSlot>(workers);
  return *listeners_[number];
}

void ListenerSlots::close(KnownListener& listener, base::Time now) {
  closed_.push_back({listener.number, now});
  listeners_[listener.number].reset();
}

void ListenerSlots::for_each(const std::function<void(KnownListener&)>& visit) {
  for (const auto& each : listeners_) {
    if (each) visit(*each);
  }
}

void ListenerSlots::for_each(const std::function<void(const KnownListener&)>& visit) const {
  for (const auto& each : listeners_) {
    if (each) visit(*each);
  }
}

}  // namespace holdfast::gateway
