#include "control/http_client.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <system_error>

#include "control/http_client_connection.h"

namespace holdfast::control {
namespace http = boost::beast::http;
namespace {

using Connection = HttpClientConnection;

std::string request_text(Method method, std::string_view target, const base::Endpoint& server, const std::string& token,
                         const NamedValues& headers, const std::string& body) {
  const bool is_path = server.kind == base::Endpoint::Kind::unix_path;
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", name(method), target, is_path ? "localhost" : server.text());
  if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
  for (const NamedValue& header : headers) text += header.name + ": " + header.value + "\r\n";
  if (!body.empty()) text += "Content-Type: application/json\r\n";
  if (!body.empty() || (method != Method::get && method != Method::head)) {
    text += fmt::format("Content-Length: {}\r\n", body.size());
  }
  return text + "\r\n" + body;
}

HttpAnswer answer_of(http::response<http::string_body> message) {
  HttpAnswer answer{message.result_int(), {}, std::move(message.body())};
  for (const auto& field : message) {
    answer.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  return answer;
}

// Sends a request, on a new connection when there is none, and reads the header of the answer.
base::Result<void> begin(std::unique_ptr<Connection>& connection, const base::Endpoint& server, const std::string& text,
                         Connection::Parser& parser, Connection::Clock::time_point deadline) {
  if (connection == nullptr) {
    connection = std::make_unique<Connection>();
    if (const auto connected = connection->connect(server, deadline); !connected) return connected.error();
  }
  if (const auto written = connection->write(text, deadline); !written) return written.error();
  return connection->read_header(parser, deadline);
}

std::string reason_of(const base::Error& error) {
  return error.system_errno != 0 ? std::generic_category().message(error.system_errno) : base::name(error.code);
}

}  // namespace

const std::string* HttpAnswer::find_header(std::string_view header) const noexcept {
  const auto found = std::ranges::find_if(headers, [header](const NamedValue& h) {
    return h.name.size() == header.size() && ::strncasecmp(h.name.data(), header.data(), header.size()) == 0;
  });
  return found == headers.end() ? nullptr : &found->value;
}

Unanswered unanswered(const base::Error& error) noexcept {
  if (error.code == base::Errc::timeout) return Unanswered::timeout;
  if (error.code == base::Errc::malformed) return Unanswered::not_http;
  const std::string_view where = error.where;
  if (where != Connection::kConnect && where != Connection::kResolve) return Unanswered::broken;
  const bool denied = error.system_errno == EACCES || error.system_errno == EPERM;
  return denied ? Unanswered::not_allowed : Unanswered::nobody;
}

HttpClient::HttpClient(base::Endpoint server, HttpClientOptions options)
    : server_(std::move(server)), options_(std::move(options)) {}

HttpClient::~HttpClient() = default;

base::Result<HttpAnswer> HttpClient::ask(Method method, std::string_view target, std::string body) {
  const std::string text = request_text(method, target, server_, options_.token, {}, body);
  if (connection_ != nullptr && connection_->is_stale()) connection_.reset();
  const bool reused = connection_ != nullptr;
  base::Result<HttpAnswer> answer = exchange(method, text);
  // The server has closed the connection just now, as it may at any time between two requests.
  const bool lost = !answer && answer.error().code == base::Errc::reset;
  if (lost && reused && method == Method::get) return exchange(method, text);
  return answer;
}

base::Result<HttpAnswer> HttpClient::exchange(Method method, const std::string& text) {
  const auto deadline = Connection::Clock::now() + options_.timeout;
  std::unique_ptr<Connection> connection = std::move(connection_);  // comes back only when all goes well
  Connection::Parser parser;
  parser.body_limit(kAnswerBytesMax);
  parser.skip(method == Method::head);
  if (const auto begun = begin(connection, server_, text, parser, deadline); !begun) return begun.error();
  if (const auto read = connection->read_rest(parser, deadline); !read) return read.error();
  if (parser.get().keep_alive()) connection_ = std::move(connection);
  return answer_of(parser.release());
}

base::Result<HttpAnswer> HttpClient::stream(std::string_view target, const NamedValues& headers,
                                            const std::function<Continue(std::string_view)>& on_text) {
  const std::string text = request_text(Method::get, target, server_, options_.token, headers, "");
  const auto deadline = Connection::Clock::now() + options_.timeout;
  std::unique_ptr<Connection> connection;
  Connection::Parser parser;
  parser.body_limit(boost::none);
  if (const auto begun = begin(connection, server_, text, parser, deadline); !begun) return begun.error();
  if (parser.get().result() != http::status::ok) {
    if (const auto read = connection->read_rest(parser, deadline); !read) return read.error();
    return answer_of(parser.release());
  }
  Continue wanted = Continue::yes;
  while (!parser.is_done() && wanted == Continue::yes) {
    const auto read = connection->read_some(parser, Connection::Clock::now() + options_.silence_max);
    if (!read) return read.error();
    const std::string piece = std::exchange(parser.get().body(), "");
    if (!piece.empty()) wanted = on_text(piece);
  }
  return answer_of(parser.release());
}

std::string HttpClient::explain(const base::Error& error) const {
  const std::string where = server_.text();
  switch (unanswered(error)) {
    case Unanswered::nobody: return fmt::format("nobody answers at {} ({})", where, reason_of(error));
    case Unanswered::not_allowed: return fmt::format("not allowed to connect to {} ({})", where, reason_of(error));
    case Unanswered::timeout: return fmt::format("no answer from {} in time", where);
    case Unanswered::not_http: return fmt::format("what answers at {} does not speak HTTP", where);
    case Unanswered::broken: break;
  }
  return fmt::format("{} ended the connection before it had answered ({})", where, reason_of(error));
}

base::Result<base::Endpoint> parse_api_url(std::string_view url) {
  if (url.starts_with("https://")) return base::Error{base::Errc::unsupported, base::Side::internal, 0, "https"};
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return base::parse_endpoint(url);
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::string_view after_address = url.substr(std::min(url.find(']'), url.size()));  // the colons of IPv6
  const bool has_port = (url.starts_with('[') ? after_address : url).find(':') != std::string_view::npos;
  return base::parse_endpoint(has_port ? std::string(url) : std::string(url) + ":80");
}

}  // namespace holdfast::control
