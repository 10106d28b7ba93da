// gateway/listener_slots.h: the listeners as control knows them, each with the number under which workers do.
//
// Thread: control.
// Life:   a listener keeps its number, what it has counted and its rules over every change that keeps its name; one
//         that was removed, until its last connection has ended and no worker listens for it. Then the number rests for
//         kRest, in which nobody has any notice of it under way any more, and is used again.
// Limits: kListenersMax.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "entry/listening.h"
#include "gateway/drain_order.h"
#include "gateway/listeners.h"

namespace holdfast::gateway {

struct KnownListener {
  enum class State : std::uint8_t {
    accepting,
    draining,  // by command: accepts no more, until it is made ready again
    leaving,   // no longer configured
  };

  [[nodiscard]] const std::string& name() const { return settings.name; }
  // How many connections have ended since it is known.
  [[nodiscard]] std::uint64_t ended() const;

  std::uint16_t number = 0;
  State state = State::accepting;
  std::size_t position = 0;  // in the configuration
  config::Listener settings;
  std::uint16_t pool = kNoPool;
  std::shared_ptr<ListenerSlot> slot;
  std::shared_ptr<const entry::Admission> admission;
  std::shared_ptr<const ListenerRules> rules;  // as published
  entry::Listening listening;
  std::optional<Drain> drain;
};

class ListenerSlots {
 public:
  static constexpr std::chrono::seconds kRest{10};
  static constexpr std::size_t kListenersMax = 4096;

  [[nodiscard]] KnownListener* find(std::string_view name) const;
  // How many more there can be.
  [[nodiscard]] std::size_t room(base::Time now) const;
  // A new one, for so many workers. There must be room.
  KnownListener& open(base::Time now, std::size_t workers);
  // When neither a connection nor a socket of it is left.
  void close(KnownListener& listener, base::Time now);

  // The numbers in use are below.
  [[nodiscard]] std::size_t size() const noexcept { return listeners_.size(); }
  void for_each(const std::function<void(KnownListener&)>& visit);
  void for_each(const std::function<void(const KnownListener&)>& visit) const;

 private:
  struct Closed {
    std::uint16_t number;
    base::Time since;
  };

  std::vector<std::unique_ptr<KnownListener>> listeners_;  // by number
  std::deque<Closed> closed_;                              // the longest first
};

}  // namespace holdfast::gateway
