#include "mqtt/transport.h"

#include <boost/asio.hpp>

namespace holdfast::app {
namespace asio = boost::asio;
namespace {

class Plain final : public Transport {
 public:
  explicit Plain(asio::io_context& context) : socket_(context) {}

  control::Task<Opening> open(Address address) override {
    close();
    Opening opening;
    co_await socket_.async_connect(address, asio::redirect_error(asio::use_awaitable, opening.error));
    if (!opening.error) send_at_once(socket_);
    co_return opening;
  }
  void read_some(asio::mutable_buffer into, Done done) override { socket_.async_read_some(into, std::move(done)); }
  void write(asio::const_buffer bytes, Done done) override { asio::async_write(socket_, bytes, std::move(done)); }
  void shut_down() override {
    ErrorCode ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  }
  void close() noexcept override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  asio::generic::stream_protocol::socket socket_;
};

}  // namespace

void send_at_once(asio::generic::stream_protocol::socket& socket) noexcept {
  ErrorCode ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

std::shared_ptr<Transport> make_transport(asio::io_context& context, const Target& target) {
  if (target.kind == Target::Kind::websocket) return make_websocket(context, target);
  return std::make_shared<Plain>(context);
}

}  // namespace holdfast::app
