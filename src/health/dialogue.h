// health/dialogue.h: the one connection of a probe, and the time it has. Inside the room only.
//
// Thread:   control. Owned by the coroutine of the probe; its calls do not overlap.
// Time:     `timeout` from construction, whatever is going on; then the connection is reset and every call fails. Time
//           in which the control thread did not run is granted once more, because an answer may lie unread.
// Limits:   receive() keeps at most 64 KiB; the caller takes away what it has understood.
// Errors:   a call that returns false has failed, and failure() says how. When the job is cancelled, calls throw
//           operation_aborted.
// Closing:  by a reset, which leaves no port in TIME_WAIT on our side, as HAProxy does; but in order when something was
//           sent and nothing has come since: a reset could overtake it and have it thrown away unread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "control/task.h"
#include "health/probe.h"

namespace holdfast::health {

class Dialogue : public std::enable_shared_from_this<Dialogue> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using ErrorCode = boost::system::error_code;
  static constexpr std::size_t kReceivedBytesMax = 64 * 1024;

  [[nodiscard]] static std::shared_ptr<Dialogue> begin(boost::asio::any_io_executor executor,
                                                       std::chrono::microseconds timeout);
  ~Dialogue();
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;

  control::Task<bool> connect(base::Endpoint endpoint);
  control::Task<bool> send(std::string bytes);
  // Appends what comes next to received(). With 64 KiB there already it is a programming error.
  control::Task<bool> receive();
  [[nodiscard]] std::string& received() noexcept { return received_; }

  // For who reads and writes by other means: the socket, and what came of it.
  [[nodiscard]] Socket& socket() noexcept { return socket_; }
  [[nodiscard]] bool sent(ErrorCode error);
  [[nodiscard]] bool heard(ErrorCode error);

  // Orderly, by the server.
  [[nodiscard]] bool is_closed() const noexcept;
  // The outcome after a call that has failed. `where` ends its sentence: "in step 3".
  [[nodiscard]] Outcome failure(std::string_view where) const;

 private:
  Dialogue(boost::asio::any_io_executor executor, std::chrono::microseconds timeout);
  void wait_for_expiry();
  void on_expiry();
  [[nodiscard]] ErrorCode start_connect(const boost::asio::generic::stream_protocol::endpoint& address);
  [[nodiscard]] bool settle(ErrorCode error);
  void reset() noexcept;
  void close_in_order() noexcept;

  Socket socket_;
  boost::asio::steady_timer timer_;
  const std::chrono::microseconds timeout_;
  std::string received_;
  ErrorCode error_;  // of the last call
  bool connected_ = false;
  bool unanswered_ = false;
  bool expired_ = false;
  bool extended_ = false;
};

}  // namespace holdfast::health
