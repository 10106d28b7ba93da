#include "control/http_connection.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast.hpp>

#include "base/log.h"
#include "control/listen_socket.h"

namespace holdfast::control {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace {

constexpr std::size_t kBufferBytesMax = 64 * 1024;
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kIgnoredBytesMax = 64 * 1024;       // during a stream
constexpr std::size_t kLingerBytesMax = 4 * 1024 * 1024;  // of a body that was refused

// Where a wait leaves its error, in the place of an exception.
auto into(boost::system::error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

bool is_framing_error(const boost::system::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_value).category();
}

//= RFC9112 3.2
bool lacks_host(const http::request<http::string_body>& message) {
  return message.version() == 11 && message.count(http::field::host) != 1;
}

// A header value cannot end its line.
std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

bool has_content(unsigned status) { return status != 204 && status != 304; }

Response too_many_streams() {
  Response response = problem(503, "too many streams; try again when another has ended");
  response.headers.push_back({"Retry-After", "5"});
  return response;
}

// One stream more, for as long as this lives.
class StreamCount {
 public:
  explicit StreamCount(std::shared_ptr<HttpShared> shared) : shared_(std::move(shared)) {
    shared_->counters.streams.add(1);
  }
  ~StreamCount() { shared_->counters.streams.add(-1); }
  StreamCount(const StreamCount&) = delete;
  StreamCount& operator=(const StreamCount&) = delete;

 private:
  const std::shared_ptr<HttpShared> shared_;
};

// A stream that outlives its connection wakes nobody.
class StreamSilence {
 public:
  explicit StreamSilence(Stream& stream) : stream_(stream) {}
  ~StreamSilence() { stream_.on_more({}); }
  StreamSilence(const StreamSilence&) = delete;
  StreamSilence& operator=(const StreamSilence&) = delete;

 private:
  Stream& stream_;
};

}  // namespace

//= RFC9112 4
std::string serialize(const Response& response, unsigned version, Body body, After after) {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string bytes = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                                  reason(response.status), fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  if (has_content(response.status)) bytes += fmt::format("Content-Type: {}\r\n", response.content_type);
  if (has_content(response.status) && response.stream == nullptr) {
    bytes += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  for (const NamedValue& header : response.headers) {
    bytes += fmt::format("{}: {}\r\n", header.name, one_line(header.value));
  }
  if (after == After::close) bytes += "Connection: close\r\n";
  if (after == After::keep_alive && version == 10) bytes += "Connection: keep-alive\r\n";
  bytes += "\r\n";
  if (body == Body::sent && has_content(response.status)) bytes += response.body;
  return bytes;
}

HttpConnection::HttpConnection(std::shared_ptr<HttpShared> shared, Socket socket)
    : shared_(std::move(shared)), stream_(std::move(socket)), buffer_(kBufferBytesMax), more_(stream_.get_executor()) {
  peer_ = peer_text_of(stream_.socket().native_handle());
  identity_ = peer_identity_of(stream_.socket().native_handle());
  shared_->connections.insert(this);
  shared_->counters.connections.add(1);
}

HttpConnection::~HttpConnection() {
  shared_->connections.erase(this);
  shared_->counters.connections.add(-1);
}

void HttpConnection::start(Runtime& runtime, std::shared_ptr<HttpConnection> connection) {
  HttpConnection& self = *connection;
  self.job_ = runtime.spawn("http connection", serve(std::move(connection)));
}

void HttpConnection::stop() {
  job_.cancel();
  stream_.close();
}

Task<> HttpConnection::serve(std::shared_ptr<HttpConnection> self) {
  Next next = Next::request;
  for (bool first = true; next == Next::request; first = false) {
    if (!first && self->buffer_.size() == 0) {
      const ErrorCode ended = co_await self->wait_for_request();
      if (ended) co_return;
    }
    const Next decided = co_await self->exchange();
    next = decided;
  }
  if (next == Next::close) co_await self->linger();
}

// Reads one request and answers it.
Task<HttpConnection::Next> HttpConnection::exchange() {
  const ErrorCode unread = co_await read();
  if (unread) {
    const std::optional<Response> refused = refusal(unread);
    std::string bytes = refused ? serialize(*refused, 11, Body::sent, After::close) : "";
    co_await write(std::move(bytes));
    co_return Next::close;
  }
  Message message = parser_->release();
  const unsigned version = message.version();
  const Body body = message.method() == http::verb::head ? Body::left_out : Body::sent;
  const bool keeps_alive = message.keep_alive();
  Response response = co_await answer(std::move(message));
  if (response.stream != nullptr && body == Body::sent) {
    co_await send_stream(std::move(response));
    stream_.close();  // and with it the read that waits for the client to go, so there is no lingering
    co_return Next::none;
  }
  const After after = keeps_alive && !shared_->stopped ? After::keep_alive : After::close;
  std::string bytes = serialize(response, version, body, after);
  const ErrorCode unwritten = co_await write(std::move(bytes));
  const bool goes_on = !unwritten && after == After::keep_alive;
  co_return goes_on ? Next::request : Next::close;
}

// An idle connection waits here for the first bytes of its next request.
Task<HttpConnection::ErrorCode> HttpConnection::wait_for_request() {
  stream_.expires_after(shared_->limits.idle_timeout);
  ErrorCode error;
  const std::size_t size = co_await stream_.async_read_some(buffer_.prepare(kReadBytes), into(error));
  buffer_.commit(size);
  count(error);
  co_return error;
}

Task<HttpConnection::ErrorCode> HttpConnection::read() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_->limits.header_bytes_max));
  parser_->body_limit(shared_->limits.body_bytes_max);
  stream_.expires_after(shared_->limits.header_timeout);
  ErrorCode error;
  co_await http::async_read_header(stream_, buffer_, *parser_, into(error));
  count(error);
  if (error || parser_->is_done()) co_return error;
  const ErrorCode body_error = co_await read_body();
  co_return body_error;
}

//= RFC9110 10.1.1
Task<HttpConnection::ErrorCode> HttpConnection::read_body() {
  if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    std::string go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";
    const ErrorCode unwritten = co_await write(std::move(go_ahead));
    if (unwritten) co_return unwritten;
  }
  stream_.expires_after(shared_->limits.body_timeout);
  ErrorCode error;
  co_await http::async_read(stream_, buffer_, *parser_, into(error));
  count(error);
  co_return error;
}

Task<Response> HttpConnection::answer(Message message) {
  shared_->counters.requests.add();
  OrProblem<Request> request = request_of(std::move(message));
  if (!request) co_return request.problem();
  std::optional<Response> turned_away = turn_away(*request);
  if (turned_away) co_return std::move(*turned_away);
  Response response = co_await handle(std::move(*request));
  if (response.stream != nullptr && !may_stream()) co_return too_many_streams();
  co_return response;
}

OrProblem<Request> HttpConnection::request_of(Message message) const {
  const std::string_view verb(message.method_string().data(), message.method_string().size());
  const std::optional<Method> method = parse_method(verb);
  if (!method) return problem(501, "the method " + printable(verb) + " is not known here");
  if (lacks_host(message)) return problem(400, "a request has exactly one Host header");
  const std::string_view target_text(message.target().data(), message.target().size());
  auto target = parse_target(target_text);
  if (!target) return problem(400, "the target " + printable(target_text) + " is not valid");

  Request request{*method, std::move(target->path), {}, std::move(target->query), {}, std::move(message.body()), peer_};
  for (const auto& field : message) {
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return request;
}

bool HttpConnection::may_stream() const {
  const bool may = shared_->counters.streams.value() < static_cast<std::int64_t>(shared_->limits.streams_max);
  if (!may) shared_->counters.streams_refused.add();
  return may;
}

std::optional<Response> HttpConnection::turn_away(const Request& request) {
  if (!shared_->rates.take(identity_, base::Clock::now())) {
    shared_->counters.too_many.add();
    Response response =
        problem(429, fmt::format("more than {} requests a second", shared_->limits.requests_per_second));
    response.headers.push_back({"Retry-After", std::to_string(shared_->rates.retry_after_seconds())});
    return response;
  }
  std::optional<Response> refused = shared_->guard.refuse(request);
  if (refused) shared_->counters.unauthorized.add();
  return refused;
}

Task<Response> HttpConnection::handle(Request request) {
  const std::string path = printable(request.path);
  std::string what = "not a std::exception";
  try {
    Response response = co_await shared_->router.handle(std::move(request));
    co_return response;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
  if (!shared_->stopped) {
    shared_->counters.handler_failures.add();
    base::log_error("a handler failed", {{"server", shared_->name}, {"path", path}, {"what", what}});
  }
  co_return problem(500, "the handler failed; the log says how");
}

// Its end is the connection's, so its length is not said beforehand.
//= RFC9112 6.3
Task<> HttpConnection::send_stream(Response response) {
  const StreamCount count(shared_);
  std::string head = serialize(response, 11, Body::left_out, After::close);
  const ErrorCode unwritten = co_await write(std::move(head));
  if (unwritten) co_return;
  const std::shared_ptr<Stream> stream = std::move(response.stream);
  stream->on_more([this] { more_.cancel(); });
  const StreamSilence silence(*stream);
  watch_for_end();
  co_await pump(stream);
}

Task<> HttpConnection::pump(std::shared_ptr<Stream> stream) {
  more_.expires_after(shared_->limits.heartbeat);
  while (!client_gone_) {
    std::string piece = stream->take();
    if (piece.empty() && more_.expiry() <= boost::asio::steady_timer::clock_type::now()) piece = stream->heartbeat();
    if (piece.empty()) {
      ErrorCode woken;
      co_await more_.async_wait(into(woken));
      continue;
    }
    more_.expires_after(shared_->limits.heartbeat);
    const ErrorCode unwritten = co_await write(std::move(piece));
    if (unwritten) co_return;
  }
}

void HttpConnection::watch_for_end() {
  buffer_.clear();
  // Not bounded in time; each write is.
  stream_.expires_never();
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                            self->ignored_bytes_ += size;
                            if (!error && self->ignored_bytes_ <= kIgnoredBytesMax) return self->watch_for_end();
                            self->client_gone_ = true;
                            self->more_.cancel();
                          });
}

Task<HttpConnection::ErrorCode> HttpConnection::write(std::string bytes) {
  if (bytes.empty()) co_return ErrorCode();
  stream_.expires_after(shared_->limits.write_timeout);
  ErrorCode error;
  co_await asio::async_write(stream_, asio::buffer(bytes), into(error));
  count(error);
  co_return error;
}

// Closing with unread bytes would reset the connection, and the client might never see the response: so what still
// comes is read away first, within bounds.
Task<> HttpConnection::linger() {
  ErrorCode ended;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, ended);
  stream_.expires_after(shared_->limits.linger_timeout);
  std::size_t total = 0;
  while (!ended && total < kLingerBytesMax) {
    buffer_.clear();
    const std::size_t size = co_await stream_.async_read_some(buffer_.prepare(kReadBytes), into(ended));
    total += size;
  }
}

void HttpConnection::count(const ErrorCode& error) {
  if (error == beast::error::timeout) shared_->counters.timeouts.add();
}

std::optional<Response> HttpConnection::refusal(const ErrorCode& error) {
  if (!is_framing_error(error) || error == http::error::end_of_stream) return std::nullopt;
  shared_->counters.bad_requests.add();
  if (error == http::error::partial_message) return std::nullopt;
  const HttpLimits& limits = shared_->limits;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, fmt::format("the header is larger than {} bytes", limits.header_bytes_max));
  }
  if (error == http::error::body_limit) {
    return problem(413, fmt::format("the body is larger than {} bytes", limits.body_bytes_max));
  }
  return problem(400, "this is not an HTTP request: " + error.message());
}

}  // namespace holdfast::control
