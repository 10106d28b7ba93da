#include "broker/core/presence.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "broker/core/topic.h"

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

std::string who_text(const told::Who& who, const base::PeerAddress& address) {
  return fmt::format(R"("clientid":{},"username":{},"ipaddress":{})", quoted(who.client_id), quoted(who.user),
                     quoted(address.text()));
}

std::string text_of(const told::Connected& event) {
  return fmt::format(R"({{{},"proto_ver":{},"session_expiry":{}}})", who_text(event.who, event.address),
                     static_cast<unsigned>(event.version), event.session_expiry.count());
}

std::string text_of(const told::Gone& event) {
  return fmt::format(R"({{{},"reason":"{}"}})", who_text(event.who, event.address), name(event.reason));
}

class Presence final : public Hooks {
 public:
  Presence(std::string node_name, Announcer& announcer) : node_name_(std::move(node_name)), announcer_(announcer) {}

  [[nodiscard]] HookKinds wants() const override { return HookKinds(HookKind::connected, HookKind::gone); }
  void tell(const HookEvent& event) override {
    if (const auto* connected = std::get_if<told::Connected>(&event)) tell(*connected, "connected");
    if (const auto* gone = std::get_if<told::Gone>(&event)) tell(*gone, "disconnected");
  }

 private:
  template <typename Event>
  void tell(const Event& event, std::string_view what) {
    const std::string topic = fmt::format("$SYS/brokers/{}/clients/{}/{}", node_name_, event.who.client_id, what);
    if (!valid_topic(topic) || topic.size() > kTopicBytesMax || !announcer_.is_wanted(topic)) return;
    const std::string payload = text_of(event);
    announcer_.announce({.topic = topic, .payload = std::as_bytes(std::span(payload))});
  }

  const std::string node_name_;
  Announcer& announcer_;
};

}  // namespace

HooksMaker presence(std::string node_name) {
  return [node_name = std::move(node_name)](Announcer& announcer) {
    return std::make_unique<Presence>(node_name, announcer);
  };
}

}  // namespace holdfast::broker
