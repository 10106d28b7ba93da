// MQTT over a WebSocket: RFC 6455, with the sub-protocol "mqtt".
#include <fmt/format.h>

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <boost/beast/websocket.hpp>

#include "client/table.h"
#include "mqtt/transport.h"

namespace holdfast::app {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
namespace {

constexpr const char* kProtocol = "mqtt";

class WebSocket final : public Transport, public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(asio::io_context& context, const Target& target)
      : stream_(context), host_(target.endpoint.text()), path_(target.path) {
    stream_.binary(true);  //= MQTT5 [MQTT-6.0.0-1]
    stream_.auto_fragment(false);
    stream_.read_message_max(0);  // MQTT's own limit holds
    //= MQTT5 [MQTT-6.0.0-3]
    stream_.set_option(websocket::stream_base::decorator(
        [](websocket::request_type& request) { request.set(http::field::sec_websocket_protocol, kProtocol); }));
  }

  control::Task<Opening> open(Address address) override {
    close();
    Opening opening;
    co_await stream_.next_layer().async_connect(address, asio::redirect_error(asio::use_awaitable, opening.error));
    if (opening.error) co_return opening;
    send_at_once(stream_.next_layer());
    ErrorCode error;
    co_await stream_.async_handshake(answer_, host_, path_, asio::redirect_error(asio::use_awaitable, error));
    opening.what = judged(error);
    co_return opening;
  }

  void read_some(asio::mutable_buffer into, Done done) override {
    stream_.async_read_some(into,
                            [self = shared_from_this(), done = std::move(done)](ErrorCode error, std::size_t bytes) {
                              if (!error && self->stream_.got_text())
                                error = asio::error::invalid_argument;  // a peer that is no broker
                              if (error == websocket::error::closed) error = asio::error::eof;
                              done(error, bytes);
                            });
  }
  void write(asio::const_buffer bytes, Done done) override { stream_.async_write(bytes, std::move(done)); }
  void shut_down() override {
    stream_.async_close(websocket::close_code::normal, [self = shared_from_this()](const ErrorCode&) {});
  }
  void close() noexcept override {
    ErrorCode ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  [[nodiscard]] std::string judged(const ErrorCode& error) const {
    if (error == websocket::error::upgrade_declined)
      return fmt::format("answered {} {} to the handshake for a WebSocket at {}", answer_.result_int(),
                         clean(std::string(answer_.reason())), path_);
    if (error) return fmt::format("does not speak WebSocket ({})", error.message());
    const std::string chosen(answer_[http::field::sec_websocket_protocol]);
    if (chosen != kProtocol) return "has a WebSocket there, but without the sub-protocol mqtt";
    return "";
  }

  websocket::stream<asio::generic::stream_protocol::socket> stream_;
  const std::string host_;
  const std::string path_;
  websocket::response_type answer_;
};

}  // namespace

std::shared_ptr<Transport> make_websocket(asio::io_context& context, const Target& target) {
  return std::make_shared<WebSocket>(context, target);
}

}  // namespace holdfast::app
