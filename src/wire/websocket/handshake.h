// wire/websocket/handshake.h: how a WebSocket connection is opened, the server's half and the client's.
//
// Source: RFC 6455, 4; RFC 9110 and 9112 for the HTTP around it. Extensions are never agreed on.
// Thread: pure functions; what is read points into the input. Cost: reading does not allocate; an answer is a string.
// Limits: a head of at most the bytes given (kHandshakeBytesMax), refused as soon as it has so many without an end. The
//         head is walked each time it is asked for: put a deadline on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/websocket/http_head.h"

namespace holdfast::wire::websocket {

inline constexpr std::size_t kHandshakeBytesMax = 8192;
inline constexpr std::size_t kNonceBytes = 16;

enum class HttpStatus : std::uint16_t {
  bad_request = 400,
  forbidden = 403,  // for an Origin the caller does not like
  not_found = 404,
  method_not_allowed = 405,
  upgrade_required = 426,
  head_too_large = 431,
  service_unavailable = 503,  // for a caller that has no room
};

// Refusals are constants that live as long as the process: hold them by pointer.
struct Refusal {
  HttpStatus status{};
  const char* clause = "";
  const char* what = "";  // for the log
};

// --- the server's half ---

struct Request {
  std::string_view path;   // before any `?`
  std::string_view query;  // behind it
  std::string_view host;
  std::string_view origin;         // empty when there is none: not a browser
  std::string_view forwarded_for;  // the last X-Forwarded-For: its last item is what the nearest proxy says
  std::string_view key;
  HttpHead head;  // for other fields

  // Whether the client offers this sub-protocol.
  [[nodiscard]] bool offers(std::string_view subprotocol) const noexcept;
};

enum class HandshakeStatus : std::uint8_t { more, whole, refused };

struct RequestRead {
  HandshakeStatus status = HandshakeStatus::more;
  std::size_t bytes = 0;  // what follows are frames; 0 unless whole
  Request request;
  const Refusal* refusal = nullptr;
};

// What `input`, everything received so far, begins with.
[[nodiscard]] RequestRead read_request(std::span<const std::byte> input,
                                       std::size_t bytes_max = kHandshakeBytesMax) noexcept;

// The listener's own view of a request that is whole: null when it has this path, and offers one of these
// sub-protocols, of which `chosen` becomes the first, in the order given here. One that offers none is refused: MQTT5
// [MQTT-6.0.0-3].
[[nodiscard]] const Refusal* match_request(const Request& request, std::string_view path,
                                           std::span<const std::string_view> subprotocols,
                                           std::string_view& chosen) noexcept;

// Whether a page of this Origin is on the list: "https://app.example.org", "http://localhost:3000"; ":*" is every port
// of a host. No case, and a port that is its scheme's own need not be written. RFC 6454, 6.1; RFC 6455, 10.2.
[[nodiscard]] bool is_among(std::string_view origin, std::span<const std::string> allowed) noexcept;
// 403 for a request whose Origin is not among these. One without an Origin is not from a page; no list allows all.
[[nodiscard]] const Refusal* match_origin(const Request& request, std::span<const std::string> allowed) noexcept;

// 101, with the sub-protocol unless it is empty.
[[nodiscard]] std::string accepting_response(const Request& request, std::string_view subprotocol);
// The status and what goes with it; the connection is to be closed behind it.
[[nodiscard]] std::string refusing_response(HttpStatus status);

// --- the client's half ---

// 16 bytes that nobody can guess, and what becomes of them.
using Nonce = std::array<std::byte, kNonceBytes>;
[[nodiscard]] std::string key_of(const Nonce& nonce);

struct Opening {
  std::string_view host;  // with the port unless it is the usual one
  std::string_view path = "/mqtt";
  std::string_view subprotocol = "mqtt";
};

// `path` and `host` are written as they are: they must not come from a stranger.
[[nodiscard]] std::string opening_request(const Opening& opening, const Nonce& nonce);

struct ResponseRead {
  HandshakeStatus status = HandshakeStatus::more;
  std::size_t bytes = 0;   // what follows are frames; 0 unless whole
  int http_status = 0;     // as soon as it is known: 101 when whole
  const char* fault = "";  // when refused
};

// What the server's answer to opening_request() is. Redirections are refused, as all that is not 101.
[[nodiscard]] ResponseRead read_response(std::span<const std::byte> input, const Opening& opening, const Nonce& nonce,
                                         std::size_t bytes_max = kHandshakeBytesMax);

// RFC6455 4.2.2: the value of Sec-WebSocket-Accept.
[[nodiscard]] std::string accept_of(std::string_view key);

}  // namespace holdfast::wire::websocket
