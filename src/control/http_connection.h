// control/http_connection.h: one connection of an HttpServer. Only http_server.cc and http_connection.cc include this.
//
// Thread: the control thread.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "control/http_server.h"
#include "control/or_problem.h"
#include "control/peer_rates.h"
#include "control/stream.h"

namespace holdfast::control {

class HttpConnection;

// What the connections of a server share. Kept by each of them, because they end after the server.
struct HttpShared {
  explicit HttpShared(const HttpLimits& from) : limits(from), rates(from.requests_per_second, from.requests_burst) {}

  std::string name;
  Router router;
  HttpLimits limits;
  Guard guard;
  PeerRates rates;
  HttpCounters counters;
  std::unordered_set<HttpConnection*> connections;
  bool stopped = false;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  HttpConnection(std::shared_ptr<HttpShared> shared, Socket socket);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Serves `connection` to its end in a job of its own, which the connection owns.
  static void start(Runtime& runtime, std::shared_ptr<HttpConnection> connection);
  void stop();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = Parser::value_type;
  using ErrorCode = boost::system::error_code;
  enum class Next : std::uint8_t { request, close, none };  // none: it is closed

  static Task<> serve(std::shared_ptr<HttpConnection> self);
  Task<Next> exchange();
  Task<ErrorCode> wait_for_request();
  Task<ErrorCode> read();
  Task<ErrorCode> read_body();
  Task<Response> answer(Message message);
  [[nodiscard]] OrProblem<Request> request_of(Message message) const;
  [[nodiscard]] bool may_stream() const;
  // The answer when the handlers are not asked: too often, no token.
  std::optional<Response> turn_away(const Request& request);
  Task<Response> handle(Request request);
  // Sends what `response.stream` has until an end goes.
  Task<> send_stream(Response response);
  Task<> pump(std::shared_ptr<Stream> stream);
  // The client has nothing to say any more; when it goes, or says much, the stream ends.
  void watch_for_end();
  Task<ErrorCode> write(std::string bytes);
  Task<> linger();
  void count(const ErrorCode& error);
  // What to say to a request that could not be read; nothing when nobody would hear it.
  std::optional<Response> refusal(const ErrorCode& error);

  std::shared_ptr<HttpShared> shared_;
  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string peer_;
  std::string identity_;            // whose requests are counted together
  boost::asio::steady_timer more_;  // ends early when the stream has something, or the client has gone
  std::size_t ignored_bytes_ = 0;   // of what the client says during a stream
  bool client_gone_ = false;
  Job job_;
};

// The bytes of `response`, of a stream only the head. `version` is 10 or 11, as in Beast.
enum class Body : std::uint8_t { sent, left_out };  // left out in the answer to HEAD
enum class After : std::uint8_t { keep_alive, close };
[[nodiscard]] std::string serialize(const Response& response, unsigned version, Body body, After after);

}  // namespace holdfast::control
