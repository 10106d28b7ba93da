// control/http_client_connection.h: the connection of an HttpClient. Only http_client.cc includes this.
//
// Each call runs one asynchronous operation to its end or its deadline, which is how Asio's blocking calls would be if
// they could end early. After an error the connection is of no use any more.
//
// Thread: the client's.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <string>

#include "base/endpoint.h"
#include "base/result.h"

namespace holdfast::control {

class HttpClientConnection {
 public:
  using Clock = std::chrono::steady_clock;
  using Parser = boost::beast::http::response_parser<boost::beast::http::string_body>;

  // The `where` of an error that came before there was a connection.
  static constexpr const char* kConnect = "connect";
  static constexpr const char* kResolve = "resolve";

  // A host name is looked up first; that lasts as long as the system's resolver does.
  base::Result<void> connect(const base::Endpoint& server, Clock::time_point deadline);
  base::Result<void> write(const std::string& text, Clock::time_point deadline);
  base::Result<void> read_header(Parser& parser, Clock::time_point deadline);
  base::Result<void> read_rest(Parser& parser, Clock::time_point deadline);
  base::Result<void> read_some(Parser& parser, Clock::time_point deadline);

  // Something has come that nobody asked for, or the end: it cannot carry another exchange.
  [[nodiscard]] bool is_stale();

 private:
  // Calls `start` with a completion handler and waits for that to be called.
  template <typename Start>
  boost::system::error_code run(Start start);

  boost::asio::io_context context_{1};
  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_{context_};
  boost::beast::flat_buffer buffer_{1024 * 1024};  // at most, of a header and of what has come but is not taken
};

}  // namespace holdfast::control
