#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <utility>

#include "health/questions.h"

namespace holdfast::health {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace {

using ErrorCode = Dialogue::ErrorCode;
// Not string_body: that one reserves as much as a server's Content-Length says.
using Parser = http::response_parser<http::buffer_body>;
using Request = http::request<http::empty_body>;

constexpr std::size_t kHeaderBytesMax = 16 * 1024;
constexpr std::size_t kBodyBytesMax = 64 * 1024;
constexpr int kInterimAnswersMax = 16;

auto into(ErrorCode& error) { return asio::redirect_error(asio::use_awaitable, error); }

// One answer, read as far as it is of interest.
struct Answer {
  explicit Answer(std::shared_ptr<Dialogue> connection) : dialogue(std::move(connection)), buffer(kBodyBytesMax) {}

  const std::shared_ptr<Dialogue> dialogue;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  std::string body;
};

Request request_of(const config::Health& settings, const base::Endpoint& server, const base::Endpoint& asked) {
  Request request;
  request.version(11);
  request.method_string(settings.method);
  request.target(settings.path);
  const bool is_path = server.kind == base::Endpoint::Kind::unix_path;
  request.set(http::field::host, is_path ? "localhost" : base::Endpoint{server.kind, server.host, asked.port}.text());
  request.set(http::field::connection, "close");
  request.set(http::field::user_agent, "holdfast-health");
  // The first of a name replaces ours; more of the same name are sent beside it.
  for (auto header = settings.headers.begin(); header != settings.headers.end(); ++header) {
    const auto same_name = [&](const config::HttpHeader& other) { return beast::iequals(other.name, header->name); };
    if (std::none_of(settings.headers.begin(), header, same_name)) request.erase(header->name);
    request.insert(header->name, header->value);
  }
  request.prepare_payload();
  return request;
}

Outcome failure_of(const Dialogue& dialogue, const ErrorCode& error) {
  if (error == asio::error::message_size) return failed(fmt::format("{} interim answers", kInterimAnswersMax));
  if (error.category() != http::make_error_code(http::error::bad_value).category()) {
    return dialogue.failure(kWhileWaiting);
  }
  if (error == http::error::end_of_stream) return failed(fmt::format("closed {}", kWhileWaiting));
  if (error == http::error::partial_message) return failed("closed in the middle of the answer");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return failed("header of the answer larger than 16 KiB");
  }
  return failed("the answer is not HTTP: " + error.message());
}

bool is_interim(unsigned status) { return status >= 100 && status < 200 && status != 101; }

//= RFC9110 15.2
// Reads the header of the final answer. message_size: there are too many before it.
control::Task<ErrorCode> read_header(std::shared_ptr<Answer> answer, http::verb method) {
  ErrorCode error;
  for (int i = 0; i < kInterimAnswersMax && !error; ++i) {
    answer->parser.emplace();
    answer->parser->header_limit(kHeaderBytesMax);
    answer->parser->body_limit(boost::none);
    answer->parser->skip(method == http::verb::head);
    co_await http::async_read_header(answer->dialogue->socket(), answer->buffer, *answer->parser, into(error));
    const bool in_time = answer->dialogue->heard(error) || error;
    if (!in_time) co_return asio::error::timed_out;
    if (error) co_return error;
    if (!is_interim(answer->parser->get().result_int())) co_return error;
  }
  co_return asio::error::message_size;
}

// Reads until the body has `wanted`, or 64 KiB, or its end.
control::Task<ErrorCode> read_body(std::shared_ptr<Answer> answer, std::string wanted) {
  Parser& parser = *answer->parser;
  std::string& body = answer->body;
  body.resize(kBodyBytesMax);
  std::size_t size = 0;
  ErrorCode error;
  while (!error && !parser.is_done() && size < kBodyBytesMax) {
    auto& part = parser.get().body();
    part.data = body.data() + size;
    part.size = kBodyBytesMax - size;
    co_await http::async_read_some(answer->dialogue->socket(), answer->buffer, parser, into(error));
    if (error == http::error::need_buffer) error = {};
    const std::size_t searched = size - std::min(size, wanted.size() - 1);
    size = kBodyBytesMax - part.size;
    (void)answer->dialogue->heard(error);
    if (std::string_view(body).substr(searched, size - searched).find(wanted) != std::string_view::npos) break;
  }
  body.resize(size);
  co_return error;
}

}  // namespace

control::Task<Outcome> ask_http(std::shared_ptr<Dialogue> dialogue, std::shared_ptr<const config::Health> settings,
                                base::Endpoint server, base::Endpoint asked) {
  const Request request = request_of(*settings, server, asked);
  ErrorCode error;
  co_await http::async_write(dialogue->socket(), request, into(error));
  if (!dialogue->sent(error)) co_return dialogue->failure("while sending the request");

  const auto answer = std::make_shared<Answer>(dialogue);
  const ErrorCode unread = co_await read_header(answer, request.method());
  if (unread) co_return failure_of(*dialogue, unread);
  const unsigned status = answer->parser->get().result_int();
  const auto has = [status](const config::StatusRange& range) { return range.first <= status && status <= range.last; };
  const std::string said = fmt::format("status {}", status);
  if (std::ranges::none_of(settings->status, has)) co_return failed(said);
  if (settings->body.empty()) co_return passed(said);

  std::string wanted = settings->body;
  const ErrorCode cut = co_await read_body(answer, std::move(wanted));
  if (answer->body.find(settings->body) != std::string::npos) co_return passed(said);
  if (cut) co_return failure_of(*dialogue, cut);
  co_return failed(said + ", but not the expected text in the body");
}

}  // namespace holdfast::health
