// control/events.h: what happens in the process, told to whoever listens at /v1/events (server-sent events).
//
// Thread: the control thread, but for counters.
// Cost:   an event is written to text once, however many listen; publishing wakes each listener.
// Limits: the last kEventsKept are kept, for all listeners together: one who is further behind, because it reads too
//         slowly or was away, gets a "lost" event that says how many, and what is still kept. A piece to a listener is
//         at most kEventsAPiece events. An event of more than kEventBytesKept says only how large it was.
// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/counter.h"
#include "base/result.h"
#include "control/http_message.h"

namespace holdfast::control {

inline constexpr std::size_t kEventsKept = 1'000;
inline constexpr std::size_t kEventsAPiece = 256;
inline constexpr std::size_t kEventBytesKept = 64 * 1024;

class Events {
 public:
  // Ids follow each other from the process's start in microseconds since 1970, so that an id of an earlier process is
  // known as such.
  Events();
  explicit Events(std::uint64_t first_id);
  ~Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // `type` is a literal word: "server_state". `data` gets a member "at", the time as RFC 3339. Every string in it must
  // be UTF-8.
  void publish(std::string_view type, boost::json::object data);

  // The answer to GET /v1/events: what comes from now on, or what came after the request's Last-Event-ID. 400 when that
  // is not an id. The stream may outlive this and is then silent.
  [[nodiscard]] Response answer(const Request& request);

  [[nodiscard]] const base::Counter& published() const noexcept;
  // Events that a listener did not get, summed over the listeners.
  [[nodiscard]] const base::Counter& lost() const noexcept;

 private:
  struct State;
  class Listener;
  std::shared_ptr<State> state_;
};

// The id after which a listener wants to go on. Errors: malformed.
[[nodiscard]] base::Result<std::uint64_t> parse_event_id(std::string_view text);

}  // namespace holdfast::control
