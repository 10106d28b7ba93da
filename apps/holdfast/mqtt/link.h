// apps/holdfast/mqtt/link.h: one connection to a broker: whole packets come in, bytes go out.
//
// Thread:   the control thread.
// Lifetime: by shared_ptr, since operations that are under way keep it. close() it when it is no longer wanted.
// Limits:   reads only when no whole packet is there, so at most one packet and 64 KiB wait; memory for a packet grows
//           with what has come of it. What is sent waits here: look at unsent() before there is more.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/resolve.h"
#include "control/thread_pool.h"
#include "mqtt/event.h"
#include "mqtt/transport.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::app {

class Link : public std::enable_shared_from_this<Link> {
 public:
  enum class State : std::uint8_t { opening, open, ended };

  // Why it could not be opened, or has ended.
  struct End {
    enum class Kind : std::uint8_t { unreached, not_allowed, not_websocket, closed, lost };
    Kind kind = Kind::closed;
    std::string why;
  };

  struct Packet {
    wire::mqtt::Header header;
    wire::mqtt::Body body;
  };

  // `event` is set whenever something has changed.
  Link(boost::asio::io_context& context, Event& event, Target target, wire::mqtt::Version version);

  // The addresses of its name, one after the other, until one takes it.
  [[nodiscard]] static control::Task<> open(std::shared_ptr<Link> self, control::ThreadPool& threads,
                                            std::chrono::milliseconds timeout);

  // What came before the end can still be taken.
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const End& end() const noexcept { return end_; }

  // The next packet, if it is all there; its body lives until the next call. `fault` is set when what comes is none,
  // which its header may show already.
  [[nodiscard]] std::optional<Packet> take(const wire::mqtt::Fault*& fault);

  // To be sent by the next flush().
  [[nodiscard]] wire::mqtt::Bytes& out() noexcept { return out_; }
  void flush();
  [[nodiscard]] std::size_t unsent() const noexcept { return out_.size() + sending_.size(); }

  void shut_down() { transport_->shut_down(); }
  void close() noexcept { transport_->close(); }

 private:
  void on_opened(const Opening& opening);
  void finish(End::Kind kind, std::string why);
  void read();

  Event& event_;
  const Target target_;
  const wire::mqtt::Version version_;
  const std::shared_ptr<Transport> transport_;
  State state_ = State::opening;
  End end_;
  std::vector<std::byte> in_;  // [taken_, filled_) is there
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
  bool reading_ = false;
  bool write_failed_ = false;
  wire::mqtt::Bytes out_;
  wire::mqtt::Bytes sending_;
};

}  // namespace holdfast::app
