#include "broker/core/presence.h"

#include <fmt/format.h>

namespace holdfast::broker {
namespace {

// What a client named itself may hold anything that UTF-8 has.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string presence_text(const Session& session, const Client& client, EndReason reason) {
  const std::string who = fmt::format(R"("clientid":{},"username":{},"ipaddress":{})", quoted(session.client_id()),
                                      quoted(session.user_name()), quoted(client.address.text()));
  if (reason != EndReason::none) return fmt::format(R"({{{},"reason":"{}"}})", who, name(reason));
  return fmt::format(R"({{{},"proto_ver":{},"session_expiry":{}}})", who, static_cast<unsigned>(client.terms.version),
                     session.expiry().count());
}

}  // namespace holdfast::broker
