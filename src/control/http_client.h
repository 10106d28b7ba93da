// control/http_client.h: a client that blocks, for the commands: it asks the admin API of a running process.
//
// Thread:  the one that made it; not the control thread, which must not block.
// Cost:    one connection, kept between requests. When the server has closed it meanwhile, a GET is asked once more on
//          a new one; anything else is not, since it may have been done.
// Limits:  kAnswerBytesMax for an answer; `timeout` for a whole exchange, connecting included.
// Errors:  see Unanswered; an answer of any status is an answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "base/result.h"
#include "control/http_message.h"

namespace holdfast::control {

inline constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;

struct HttpAnswer {
  unsigned status = 0;
  NamedValues headers{};
  std::string body{};

  [[nodiscard]] const std::string* find_header(std::string_view header) const noexcept;  // in any case
};

// Why there is no answer.
enum class Unanswered : std::uint8_t {
  nobody,       // nobody listens there, the name is not known, or it cannot be reached
  not_allowed,  // the socket file's mode keeps us out
  timeout,
  not_http,  // somebody else listens there
  broken,    // the connection ended in the middle: the process may have ended
};
[[nodiscard]] Unanswered unanswered(const base::Error& error) noexcept;

struct HttpClientOptions {
  std::string token{};  // sent as bearer token when not empty
  std::chrono::milliseconds timeout = std::chrono::seconds{10};
  std::chrono::milliseconds silence_max = std::chrono::seconds{45};  // of a stream; the server's heartbeat is 15 s
};

class HttpClientConnection;

enum class Continue : std::uint8_t { yes, no };

class HttpClient {
 public:
  HttpClient(base::Endpoint server, HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `target` is a path with a query, encoded. A `body` that is not empty is sent as application/json.
  [[nodiscard]] base::Result<HttpAnswer> ask(Method method, std::string_view target, std::string body = {});

  // GET of a stream: `on_text` gets what comes, until it says no or the server ends it. An answer other than 200 comes
  // back whole, and `on_text` is never called. `headers` are sent besides (Last-Event-ID).
  [[nodiscard]] base::Result<HttpAnswer> stream(std::string_view target, const NamedValues& headers,
                                                const std::function<Continue(std::string_view)>& on_text);

  // A sentence for people: "nobody answers at unix:/run/holdfast/admin.sock (No such file or directory)".
  [[nodiscard]] std::string explain(const base::Error& error) const;

 private:
  [[nodiscard]] base::Result<HttpAnswer> exchange(Method method, const std::string& text);

  const base::Endpoint server_;
  const HttpClientOptions options_;
  std::unique_ptr<HttpClientConnection> connection_;  // none: the next request makes one
};

// Where the API is, from what a user writes: "http://127.0.0.1:9100", "http://edge-1.local:9100/", or an endpoint as in
// the configuration. Errors: malformed; unsupported for https.
[[nodiscard]] base::Result<base::Endpoint> parse_api_url(std::string_view url);

}  // namespace holdfast::control
