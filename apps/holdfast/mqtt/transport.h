// apps/holdfast/mqtt/transport.h: bytes to and from a broker, over TCP, a unix socket or a WebSocket.
//
// Thread:   the control thread.
// Lifetime: what is given to read_some() and write(), and the transport itself, live until `done` was called; keep
//           them by what `done` captures. One of each may be under way at a time.
// The WebSocket is Beast's: a second opinion on what the project's own frames are.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "control/task.h"
#include "mqtt/target.h"

namespace holdfast::app {

using ErrorCode = boost::system::error_code;

// How opening went. `error` when it was not reached; `what` when it was, but is something else.
struct Opening {
  ErrorCode error{};
  std::string what{};
};

class Transport {
 public:
  using Address = boost::asio::generic::stream_protocol::endpoint;
  using Done = std::function<void(const ErrorCode& error, std::size_t bytes)>;

  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // May be called again after it was not reached. close() ends it.
  [[nodiscard]] virtual control::Task<Opening> open(Address address) = 0;
  virtual void read_some(boost::asio::mutable_buffer into, Done done) = 0;  // asio::error::eof at the end
  virtual void write(boost::asio::const_buffer bytes, Done done) = 0;       // all of them
  virtual void shut_down() = 0;  // tells the peer that nothing more comes; after the last write
  virtual void close() noexcept = 0;
};

[[nodiscard]] std::shared_ptr<Transport> make_transport(boost::asio::io_context& context, const Target& target);
[[nodiscard]] std::shared_ptr<Transport> make_websocket(boost::asio::io_context& context, const Target& target);

// Small packets do not wait for others. A unix socket does not know of that, and needs it not.
void send_at_once(boost::asio::generic::stream_protocol::socket& socket) noexcept;

}  // namespace holdfast::app
