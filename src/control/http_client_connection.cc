#include "control/http_client_connection.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <vector>

#include "control/socket_address.h"

namespace holdfast::control {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace {

using ErrorCode = boost::system::error_code;

constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;

base::Errc code_of(const ErrorCode& error) {
  if (error == beast::error::timeout) return base::Errc::timeout;
  if (error == asio::error::connection_refused) return base::Errc::refused;
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return base::Errc::reset;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return base::Errc::reset;
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable) {
    return base::Errc::unreachable;
  }
  const bool is_http = error.category() == http::make_error_code(http::error::bad_value).category();
  return is_http ? base::Errc::malformed : base::Errc::system;
}

base::Error error_of(const ErrorCode& error, const char* where) {
  const bool has_errno = error.category() == boost::system::system_category();
  return {code_of(error), base::Side::backend, has_errno ? error.value() : 0, where};
}

// The addresses of a host name, in the system's order. Blocks as long as the system's resolver does.
base::Result<std::vector<SocketAddress>> addresses_of(const base::Endpoint& server) {
  if (server.kind != base::Endpoint::Kind::host_name) return std::vector{address_of(server)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(server.port);
  if (::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &list) != 0) {
    return base::Error{base::Errc::not_found, base::Side::backend, 0, HttpClientConnection::kResolve};
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::copy_n(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen, reinterpret_cast<char*>(address.get()));
    address.length = each->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return addresses;
}

base::Result<void> result_of(const ErrorCode& error, const char* where) {
  if (error) return error_of(error, where);
  return {};
}

}  // namespace

template <typename Start>
ErrorCode HttpClientConnection::run(Start start) {
  ErrorCode result;
  start([&result](const ErrorCode& error, auto&&...) { result = error; });
  context_.restart();
  context_.run();
  return result;
}

base::Result<void> HttpClientConnection::connect(const base::Endpoint& server, Clock::time_point deadline) {
  const auto addresses = addresses_of(server);
  if (!addresses) return addresses.error();
  ErrorCode error;
  for (const SocketAddress& address : *addresses) {
    stream_.close();
    stream_.expires_at(deadline);
    const asio::generic::stream_protocol::endpoint endpoint(address.get(), address.length);
    error = run([&](auto then) { stream_.async_connect(endpoint, then); });
    if (!error) break;
  }
  return result_of(error, kConnect);
}

base::Result<void> HttpClientConnection::write(const std::string& text, Clock::time_point deadline) {
  stream_.expires_at(deadline);
  return result_of(run([&](auto then) { asio::async_write(stream_, asio::buffer(text), then); }), "write");
}

base::Result<void> HttpClientConnection::read_header(Parser& parser, Clock::time_point deadline) {
  parser.header_limit(kHeaderBytesMax);
  stream_.expires_at(deadline);
  return result_of(run([&](auto then) { http::async_read_header(stream_, buffer_, parser, then); }), "read");
}

base::Result<void> HttpClientConnection::read_rest(Parser& parser, Clock::time_point deadline) {
  stream_.expires_at(deadline);
  return result_of(run([&](auto then) { http::async_read(stream_, buffer_, parser, then); }), "read");
}

base::Result<void> HttpClientConnection::read_some(Parser& parser, Clock::time_point deadline) {
  stream_.expires_at(deadline);
  return result_of(run([&](auto then) { http::async_read_some(stream_, buffer_, parser, then); }), "read");
}

bool HttpClientConnection::is_stale() {
  pollfd event{stream_.socket().native_handle(), POLLIN, 0};
  return buffer_.size() > 0 || ::poll(&event, 1, 0) != 0;
}

}  // namespace holdfast::control
