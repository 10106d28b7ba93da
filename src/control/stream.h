// control/stream.h: an answer without an end, of which the server sends what there is as it comes.
//
// Thread:   the control thread.
// Limits:   HttpLimits::streams_max at once, one more is answered 503. A stream holds at most one piece for a client
//           that reads slowly; one that takes none of it within the write timeout is cut.
// Lifetime: shared by the response and the connection; ends when the client goes or the server stops.
#pragma once

#include <functional>
#include <string>

namespace holdfast::control {

class Stream {
 public:
  Stream() = default;
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What is to be sent next, of bounded size; empty: nothing now.
  [[nodiscard]] virtual std::string take() = 0;
  // Sent when nothing was for a heartbeat, so that both ends notice when the other has gone.
  [[nodiscard]] virtual std::string heartbeat() const = 0;
  // `wake` is called when take() may have something again. Replaces the one before; an empty one ends it.
  virtual void on_more(std::function<void()> wake) = 0;
};

}  // namespace holdfast::control
