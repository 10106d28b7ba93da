#include "wire/websocket/handshake.h"

#include <algorithm>

#include "wire/websocket/sha1.h"

namespace holdfast::wire::websocket {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

//= RFC4648 4
std::string base64(std::span<const std::byte> input) {
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < input.size() ? std::to_integer<std::uint32_t>(input[at + i]) : 0);
    }
    for (int shift = 18; shift >= 0; shift -= 6) out += kAlphabet[(group >> shift) & 0x3f];
  }
  const std::size_t padding = (3 - input.size() % 3) % 3;
  return out.replace(out.size() - padding, padding, padding, '=');
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string key_of(const Nonce& nonce) { return base64(nonce); }

//= RFC6455 4.2.2
std::string accept_of(std::string_view key) {
  const std::string joined = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base64(sha1(std::as_bytes(std::span(joined))));
}

//= RFC6455 4.1
std::string opening_request(const Opening& opening, const Nonce& nonce) {
  std::string out = "GET ";
  out.append(opening.path).append(" HTTP/1.1\r\nHost: ").append(opening.host);
  out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ").append(key_of(nonce));
  out.append("\r\nSec-WebSocket-Version: 13\r\n");
  if (!opening.subprotocol.empty()) out.append("Sec-WebSocket-Protocol: ").append(opening.subprotocol).append("\r\n");
  return out.append("\r\n");
}

namespace {

// The number in "HTTP/1.1 101 Switching Protocols"; 0 when it is no such line.
//= RFC9112 4
int status_of(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 3) return 0;
  if (line.size() > kVersion.size() + 3 && line[kVersion.size() + 3] != ' ') return 0;
  int status = 0;
  for (const char c : line.substr(kVersion.size(), 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status;
}

//= RFC6455 4.1
// What is wrong with a 101, or null.
const char* fault_of(const HttpHead& head, const Opening& opening, const Nonce& nonce) {
  if (!head.lists("Upgrade", "websocket")) return "WebSocket: the answer does not upgrade";
  if (!head.lists("Connection", "upgrade")) return "WebSocket: the answer's Connection does not say upgrade";
  if (head.count("Sec-WebSocket-Accept") != 1 || head.last("Sec-WebSocket-Accept") != accept_of(key_of(nonce))) {
    return "WebSocket: the answer is not to our key";
  }
  if (head.count("Sec-WebSocket-Extensions") != 0) return "WebSocket: the answer has an extension nobody asked for";
  const bool is_single = head.count("Sec-WebSocket-Protocol") == (opening.subprotocol.empty() ? 0 : 1);
  //= MQTT5 [MQTT-6.0.0-4]
  //= MQTT311 [MQTT-6.0.0-4]
  if (!is_single || head.last("Sec-WebSocket-Protocol") != opening.subprotocol) {
    return "WebSocket: the answer has another sub-protocol";
  }
  return nullptr;
}

}  // namespace

ResponseRead read_response(std::span<const std::byte> input, const Opening& opening, const Nonce& nonce,
                           std::size_t bytes_max) {
  const auto refused = [](int status, const char* fault) {
    return ResponseRead{HandshakeStatus::refused, 0, status, fault};
  };
  const HttpHead head = read_http_head(text_of(input), bytes_max);
  if (head.status == HeadStatus::more) return {};
  if (head.status == HeadStatus::too_long) return refused(0, "WebSocket: the head of the answer is too long");
  const int status = head.status == HeadStatus::whole ? status_of(head.first_line) : 0;
  if (status == 0) return refused(0, "WebSocket: the answer is not HTTP");
  if (status != 101) return refused(status, "WebSocket: the server does not switch protocols");
  if (const char* fault = fault_of(head, opening, nonce)) return refused(status, fault);
  return {HandshakeStatus::whole, head.bytes, status, ""};
}

}  // namespace holdfast::wire::websocket
