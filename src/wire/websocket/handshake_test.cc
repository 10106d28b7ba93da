#include "wire/websocket/handshake.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "wire/websocket/sha1.h"

namespace holdfast::wire::websocket {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct Digest {
  std::size_t count;
  const char* hex;
};

// Of so many letters a; from another implementation.
constexpr Digest kDigests[] = {
    {0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},   {1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
    {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},  {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
    {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},  {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
    {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},  {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
    {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"}, {1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"},
};

//= FIPS 180-4 type=test
TEST(WebSocketSha1, IsThatOfOthers) {
  for (const Digest& row : kDigests) {
    std::string hex;
    for (const std::byte each : sha1(bytes_of(std::string(row.count, 'a')))) {
      constexpr char kDigits[] = "0123456789abcdef";
      hex += kDigits[std::to_integer<unsigned>(each) >> 4];
      hex += kDigits[std::to_integer<unsigned>(each) & 15];
    }
    EXPECT_EQ(hex, row.hex) << row.count;
  }
}

//= RFC6455 1.3 type=test
TEST(WebSocketHandshake, AnswersTheKeyAsInTheExampleOfTheStandard) {
  EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  Nonce nonce;
  const std::string_view sample = "the sample nonce";
  std::ranges::copy(bytes_of(sample), nonce.begin());
  EXPECT_EQ(key_of(nonce), "dGhlIHNhbXBsZSBub25jZQ==");
}

struct Field {
  const char* name;
  const char* value;
};

constexpr Field kUsual[] = {{"Host", "broker:8083"},         {"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                            {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Protocol", "mqtt"}};

// A request with the usual fields, but for the one named, and with `more` behind them.
std::string request(std::string_view line, std::string_view without = "", std::string_view more = "") {
  std::string out(line);
  out += "\r\n";
  for (const Field& each : kUsual) {
    if (each.name != without) out.append(each.name).append(": ").append(each.value).append("\r\n");
  }
  return out.append(more).append("\r\n");
}

constexpr std::string_view kGet = "GET /mqtt HTTP/1.1";

RequestRead read(std::string_view input) { return read_request(bytes_of(input)); }

struct Whole {
  const char* name;
  std::string input;
  std::string_view path = "/mqtt";
};

//= RFC6455 4.2.1 type=test
const Whole kWhole[] = {
    {"as browsers do", request(kGet)},
    {"a list of connection options", request(kGet, "Connection", "Connection: keep-alive, Upgrade\r\n")},
    {"two fields of connection options",
     request(kGet, "Connection", "connection: keep-alive\r\nconnection: UPGRADE\r\n")},
    {"no case in names and in words", request(kGet, "Upgrade", "UPGRADE: WebSocket\r\n")},
    {"no space behind the colon", request(kGet, "Host", "Host:broker\r\n")},
    {"tabs around a value", request(kGet, "Sec-WebSocket-Version", "Sec-WebSocket-Version:\t 13 \t\r\n")},
    {"several sub-protocols", request(kGet, "Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: mqttv3.1 , mqtt\r\n")},
    {"several fields of them",
     request(kGet, "Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: mqtt\r\n")},
    {"extensions are not agreed on", request(kGet, "", "Sec-WebSocket-Extensions: permessage-deflate\r\n")},
    {"no body", request(kGet, "", "Content-Length: 0\r\n")},
    {"bytes above ASCII in a value", request(kGet, "", "X-Name: \xc3\xa9\r\n")},
    {"an absolute target", request("GET http://broker:8083/mqtt HTTP/1.1")},
    {"an absolute target without a path", request("GET http://broker:8083 HTTP/1.1"), "/"},
    {"the root", request("GET / HTTP/1.1"), "/"},
    {"a later HTTP", request("GET /mqtt HTTP/1.2")},
};

TEST(WebSocketHandshake, TakesARequestOnlyWhenItIsWhole) {
  for (const Whole& row : kWhole) {
    SCOPED_TRACE(row.name);
    for (const std::string& behind : {std::string(), std::string("\x82\x80"), std::string(9000, 'x')}) {
      const std::string input = row.input + behind;
      const RequestRead got = read(input);
      ASSERT_EQ(got.status, HandshakeStatus::whole) << got.refusal->what;
      EXPECT_EQ(got.bytes, row.input.size());
      EXPECT_EQ(got.request.path, row.path);
      EXPECT_TRUE(got.request.offers("mqtt"));
    }
    for (std::size_t cut = 0; cut < row.input.size(); ++cut) {
      ASSERT_EQ(read(std::string(row.input, 0, cut)).status, HandshakeStatus::more) << cut;
    }
  }
}

TEST(WebSocketHandshake, SaysWhatTheListenerWantsToKnow) {
  const std::string input =
      request("GET /mqtt?token=a?b HTTP/1.1", "",
              "Origin: https://app.example\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8, 9.9.9.9\r\n");
  const RequestRead got = read(input);
  ASSERT_EQ(got.status, HandshakeStatus::whole);
  EXPECT_EQ(got.request.path, "/mqtt");
  EXPECT_EQ(got.request.query, "token=a?b");
  EXPECT_EQ(got.request.host, "broker:8083");
  EXPECT_EQ(got.request.origin, "https://app.example");
  EXPECT_EQ(got.request.forwarded_for, "5.6.7.8, 9.9.9.9");
  EXPECT_EQ(got.request.key, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(got.request.head.last("upgrade"), "websocket");
}

struct Refused {
  const char* name;
  std::string input;
  HttpStatus status;
};

const Refused kRefused[] = {
    {"MQTT", std::string("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 14), HttpStatus::bad_request},
    {"TLS", std::string("\x16\x03\x01\x02\x00", 5), HttpStatus::bad_request},
    {"a line that ends with LF", "GET /mqtt HTTP/1.1\nHost: b\r\n\r\n", HttpStatus::bad_request},
    {"a CR alone", "GET /mqtt\r HTTP/1.1\r\n\r\n", HttpStatus::bad_request},
    {"a null", request(kGet, "", std::string("X: a\0b\r\n", 8)), HttpStatus::bad_request},
    {"no request line", "\r\n\r\n", HttpStatus::bad_request},
    {"half a request line", request("GET /mqtt"), HttpStatus::bad_request},
    {"no target", request("GET  HTTP/1.1"), HttpStatus::bad_request},
    {"a target with a space", request("GET /a b HTTP/1.1"), HttpStatus::bad_request},
    {"a target with a fragment", request("GET /mqtt#x HTTP/1.1"), HttpStatus::bad_request},
    {"HTTP 1.0", request("GET /mqtt HTTP/1.0"), HttpStatus::bad_request},
    {"HTTP 2", request("GET /mqtt HTTP/2.0"), HttpStatus::bad_request},
    {"a method that is none", request("G(T /mqtt HTTP/1.1"), HttpStatus::bad_request},
    {"a field without a colon", request(kGet, "", "X\r\n"), HttpStatus::bad_request},
    {"space before the colon", request(kGet, "", "X : a\r\n"), HttpStatus::bad_request},
    {"a folded line", request(kGet, "", "X: a\r\n b\r\n"), HttpStatus::bad_request},
    {"a field without a name", request(kGet, "", ": a\r\n"), HttpStatus::bad_request},
    {"POST", request("POST /mqtt HTTP/1.1"), HttpStatus::method_not_allowed},
    {"no host", request(kGet, "Host"), HttpStatus::bad_request},
    {"two hosts", request(kGet, "", "Host: other\r\n"), HttpStatus::bad_request},
    {"no upgrade", request(kGet, "Upgrade"), HttpStatus::upgrade_required},
    {"another upgrade", request(kGet, "Upgrade", "Upgrade: h2c\r\n"), HttpStatus::upgrade_required},
    {"connection without upgrade", request(kGet, "Connection", "Connection: close\r\n"), HttpStatus::upgrade_required},
    //= RFC6455 4.4 type=test
    {"no version", request(kGet, "Sec-WebSocket-Version"), HttpStatus::upgrade_required},
    {"version 8", request(kGet, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"), HttpStatus::upgrade_required},
    //= RFC6455 11.3 type=test
    {"two versions", request(kGet, "", "Sec-WebSocket-Version: 13\r\n"), HttpStatus::bad_request},
    {"two origins", request(kGet, "", "Origin: a\r\nOrigin: b\r\n"), HttpStatus::bad_request},
    {"no key", request(kGet, "Sec-WebSocket-Key"), HttpStatus::bad_request},
    {"two keys", request(kGet, "", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), HttpStatus::bad_request},
    {"a key of 15 bytes", request(kGet, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"),
     HttpStatus::bad_request},
    {"a key that is not base64", request(kGet, "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhb!BsZSBub25jZQ==\r\n"),
     HttpStatus::bad_request},
    {"a body", request(kGet, "", "Content-Length: 5\r\n"), HttpStatus::bad_request},
    {"a body in chunks", request(kGet, "", "Transfer-Encoding: chunked\r\n"), HttpStatus::bad_request},
    {"too long a head", request(kGet, "", "X: " + std::string(kHandshakeBytesMax, 'x') + "\r\n"),
     HttpStatus::head_too_large},
    {"a line without an end", std::string(kHandshakeBytesMax, 'x'), HttpStatus::head_too_large},
};

TEST(WebSocketHandshake, IsRefusedWithTheStatusThatFits) {
  for (const Refused& row : kRefused) {
    SCOPED_TRACE(row.name);
    const RequestRead got = read(row.input);
    ASSERT_EQ(got.status, HandshakeStatus::refused);
    EXPECT_EQ(got.refusal->status, row.status) << got.refusal->what;
    auto last = HandshakeStatus::more;
    for (std::size_t cut = 0; cut < row.input.size(); ++cut) {
      const HandshakeStatus status = read(row.input.substr(0, cut)).status;
      ASSERT_TRUE(status == last || (last == HandshakeStatus::more && status == HandshakeStatus::refused)) << cut;
      last = status;
    }
  }
}

// Another protocol shows with its first byte.
TEST(WebSocketHandshake, RefusesAnotherProtocolAtOnce) {
  EXPECT_EQ(read("\x10").status, HandshakeStatus::refused);
  EXPECT_EQ(read("\x16").status, HandshakeStatus::refused);
}

TEST(WebSocketHandshake, HasTheLimitOfTheCaller) {
  const std::string input = request(kGet);
  EXPECT_EQ(read_request(bytes_of(input), input.size()).status, HandshakeStatus::whole);
  EXPECT_EQ(read_request(bytes_of(input), input.size() - 1).status, HandshakeStatus::refused);
}

//= MQTT5 [MQTT-6.0.0-3] type=test
//= MQTT311 [MQTT-6.0.0-3] type=test
TEST(WebSocketHandshake, MustFitTheListener) {
  constexpr std::string_view kSpoken[] = {"mqtt", "mqttv3.1"};
  struct Row {
    std::string line;
    std::string_view protocols;
    int status;  // 0: it fits
    std::string_view chosen;
  };
  for (const Row& row :
       {Row{"GET /mqtt HTTP/1.1", "mqtt", 0, "mqtt"}, Row{"GET /mqtt?x HTTP/1.1", "mqttv3.1", 0, "mqttv3.1"},
        Row{"GET /mqtt HTTP/1.1", "mqttv3.1, mqtt", 0, "mqtt"}, Row{"GET / HTTP/1.1", "mqtt", 404, ""},
        Row{"GET /mqtt/ HTTP/1.1", "mqtt", 404, ""}, Row{"GET /mqtt HTTP/1.1", "amqp", 400, ""},
        Row{"GET /mqtt HTTP/1.1", "MQTT", 400, ""}}) {
    SCOPED_TRACE(row.line);
    const std::string input =
        request(row.line, "Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: " + std::string(row.protocols) + "\r\n");
    const RequestRead got = read(input);
    ASSERT_EQ(got.status, HandshakeStatus::whole);
    std::string_view chosen;
    const Refusal* refusal = match_request(got.request, "/mqtt", kSpoken, chosen);
    EXPECT_EQ(refusal == nullptr ? 0 : static_cast<int>(refusal->status), row.status);
    EXPECT_EQ(chosen, row.chosen);
  }
  const std::string without = request(kGet, "Sec-WebSocket-Protocol");
  std::string_view chosen;
  const Refusal* refusal = match_request(read(without).request, "/mqtt", kSpoken, chosen);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->status, HttpStatus::bad_request);
}

//= RFC6455 10.2 type=test
TEST(WebSocketHandshake, IsForPagesOfTheOriginsThatAreAllowed) {
  const std::vector<std::string> allowed = {"https://app.example.org", "http://localhost:*", "http://[::1]:3000",
                                            "http://old.example.org:80", "app://x"};
  struct Row {
    std::string_view origin;
    bool fits;
  };
  for (const Row& row : {Row{"https://app.example.org", true},
                         Row{"HTTPS://App.Example.Org", true},
                         Row{"https://app.example.org:443", true},
                         Row{"https://app.example.org:8443", false},
                         Row{"http://app.example.org", false},
                         Row{"https://app.example.org.evil.example", false},
                         Row{"https://evil.example/app.example.org", false},
                         Row{"http://localhost", true},
                         Row{"http://localhost:3000", true},
                         Row{"https://localhost:3000", false},
                         Row{"http://localhost.evil.example", false},
                         Row{"http://localhost:x:3000", false},
                         Row{"http://[::1]:3000", true},
                         Row{"http://[::1]", false},
                         Row{"http://old.example.org", true},
                         Row{"app://x", true},
                         Row{"app://x:1", false},
                         Row{"null", false},
                         Row{"*", false},
                         Row{"", false}}) {
    EXPECT_EQ(is_among(row.origin, allowed), row.fits) << row.origin;
  }
  const std::string page = request(kGet, "Origin", "Origin: http://evil.example\r\n");
  const Refusal* refusal = match_origin(read(page).request, allowed);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->status, HttpStatus::forbidden);
  EXPECT_EQ(match_origin(read(page).request, {}), nullptr);
  const std::string program = request(kGet, "Origin");
  EXPECT_EQ(match_origin(read(program).request, allowed), nullptr);
}

//= RFC6455 4.2.2 type=test
//= MQTT5 [MQTT-6.0.0-4] type=test
//= MQTT311 [MQTT-6.0.0-4] type=test
TEST(WebSocketHandshake, IsAnswered) {
  const std::string input = request(kGet);
  EXPECT_EQ(accepting_response(read(input).request, "mqtt"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
  EXPECT_EQ(accepting_response(read(input).request, "").find("Protocol:"), std::string::npos);
  EXPECT_EQ(refusing_response(HttpStatus::not_found),
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refusing_response(HttpStatus::method_not_allowed),
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refusing_response(HttpStatus::upgrade_required),
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
            "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n");
}

constexpr Nonce kNonce{std::byte{1}, std::byte{2}, std::byte{250}};
constexpr Opening kOpening{"broker:8083", "/mqtt", "mqtt"};

TEST(WebSocketHandshake, OfOurClientIsTakenByOurServer) {
  const std::string asked = opening_request(kOpening, kNonce);
  const RequestRead got = read(asked);
  ASSERT_EQ(got.status, HandshakeStatus::whole) << got.refusal->what;
  EXPECT_EQ(got.request.path, "/mqtt");
  EXPECT_EQ(got.request.host, "broker:8083");
  EXPECT_TRUE(got.request.offers("mqtt"));
  const std::string answer = accepting_response(got.request, "mqtt");
  const ResponseRead response = read_response(bytes_of(answer + "\x82"), kOpening, kNonce);
  ASSERT_EQ(response.status, HandshakeStatus::whole) << response.fault;
  EXPECT_EQ(response.bytes, answer.size());
  EXPECT_EQ(response.http_status, 101);
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    ASSERT_EQ(read_response(bytes_of(answer).first(cut), kOpening, kNonce).status, HandshakeStatus::more) << cut;
  }
}

struct Answer {
  const char* name;
  std::string instead_of;
  std::string with;
  int http_status;
  std::string_view fault;
};

//= RFC6455 4.1 type=test
const Answer kAnswers[] = {
    {"a refusal", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 404 Not Found", 404, "does not switch"},
    {"a redirection", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 301", 301, "does not switch"},
    {"not HTTP", "HTTP/1.1 101", "HTTP/1.1 1x1", 0, "not HTTP"},
    {"HTTP 1.0", "HTTP/1.1 101", "HTTP/1.0 101", 0, "not HTTP"},
    {"a status of four digits", "HTTP/1.1 101", "HTTP/1.1 1010", 0, "not HTTP"},
    {"no upgrade", "Upgrade: websocket", "Upgrade: h2c", 101, "does not upgrade"},
    {"no connection", "Connection: Upgrade", "Connection: close", 101, "Connection"},
    {"another key", "Accept: ", "Accept: x", 101, "our key"},
    {"another sub-protocol", "Protocol: mqtt", "Protocol: amqp", 101, "sub-protocol"},
    {"no sub-protocol", "Sec-WebSocket-Protocol: mqtt", "X: y", 101, "sub-protocol"},
    {"an extension", "Upgrade: websocket", "Upgrade: websocket\r\nSec-WebSocket-Extensions: x", 101, "extension"},
    {"control characters", "Upgrade: websocket", "Upgrade: web\x01socket", 0, "not HTTP"},
    {"too long", "Upgrade: websocket", "X: " + std::string(9000, 'x'), 0, "too long"},
};

TEST(WebSocketHandshake, OfAServerIsRefusedForWhatIsWrongWithIt) {
  const std::string asked = opening_request(kOpening, kNonce);
  for (const Answer& row : kAnswers) {
    SCOPED_TRACE(row.name);
    std::string answer = accepting_response(read(asked).request, "mqtt");
    answer.replace(answer.find(row.instead_of), row.instead_of.size(), row.with);
    const ResponseRead response = read_response(bytes_of(answer), kOpening, kNonce);
    ASSERT_EQ(response.status, HandshakeStatus::refused);
    EXPECT_EQ(response.http_status, row.http_status);
    EXPECT_NE(std::string_view(response.fault).find(row.fault), std::string_view::npos) << response.fault;
  }
}

}  // namespace
}  // namespace holdfast::wire::websocket
