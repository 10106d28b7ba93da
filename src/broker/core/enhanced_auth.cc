#include "broker/core/enhanced_auth.h"

#include "broker/core/ports.h"

namespace holdfast::broker {

using wire::mqtt::Auth;
using wire::mqtt::Fault;
using wire::mqtt::PacketType;
using wire::mqtt::Property;
using wire::mqtt::Reason;

namespace {

constexpr auto kV5 = wire::mqtt::Version::v5;

//= MQTT5 [MQTT-4.12.0-5]
//= MQTT5 [MQTT-4.12.1-1]
constexpr Fault kOtherMethod{Reason::protocol_error, "MQTT5 [MQTT-4.12.0-5]", "AUTH names another method than CONNECT"};
//= MQTT5 [MQTT-4.12.0-3]
constexpr Fault kNotItsTurn{Reason::protocol_error, "MQTT5 [MQTT-4.12.0-3]", "AUTH that answers nothing"};
constexpr Fault kStillRunning{Reason::protocol_error, "MQTT5 4.12.1",
                              "re-authentication while an authentication is under way"};
//= MQTT5 [MQTT-3.1.2-30]
constexpr Fault kOnlyAuth{Reason::protocol_error, "MQTT5 [MQTT-3.1.2-30]",
                          "another packet than AUTH and DISCONNECT before the authentication was over"};

}  // namespace

bool AuthExchange::begin(Ports& ports, base::Key link, const AuthQuestion& question, std::span<const std::byte> data) {
  run_ = ports.begin_auth(link, question);
  turn_ = run_ ? Turn::methods : Turn::nobodys;
  if (run_) run_->hear(data);
  return run_ != nullptr;
}

const Fault* AuthExchange::hear(const Auth& auth) {
  if (auth.properties.auth_method != method_) return &kOtherMethod;
  if (auth.reason != Reason::continue_authentication || turn_ != Turn::clients) return &kNotItsTurn;
  turn_ = Turn::methods;
  run_->hear(auth.properties.auth_data);
  return nullptr;
}

const Fault* AuthExchange::may_begin_again(const Auth& auth) const {
  if (auth.properties.auth_method != method_) return &kOtherMethod;
  return turn_ == Turn::nobodys ? nullptr : &kStillRunning;
}

AuthExchange::Said AuthExchange::on_packet(const wire::mqtt::Header& header, wire::mqtt::Body body) {
  if (header.type == PacketType::disconnect) return {Said::What::leaves, nullptr};
  if (header.type != PacketType::auth) return {Said::What::fault, &kOnlyAuth};
  Auth auth;
  const Fault* fault = wire::mqtt::decode_auth(header, body, kV5, wire::mqtt::Sender::client, auth);
  if (fault == nullptr) fault = hear(auth);
  return {fault == nullptr ? Said::What::heard : Said::What::fault, fault};
}

//= MQTT5 [MQTT-4.12.0-2]
//= MQTT5 [MQTT-4.12.0-5]
bool AuthExchange::answer(wire::mqtt::Bytes& out, const AuthStep& step, std::size_t packet_bytes_max) {
  const bool goes_on = step.what == AuthStep::What::go_on;
  Auth auth;
  auth.reason = goes_on ? Reason::continue_authentication : Reason::success;
  auth.properties.set(Property::auth_method, std::string_view(method_));
  if (!step.data.empty()) auth.properties.set(Property::auth_data, std::span<const std::byte>(step.data));
  //= MQTT5 [MQTT-3.1.2-24]
  if (!wire::mqtt::encode_auth(out, auth) || (packet_bytes_max != 0 && out.size() > packet_bytes_max)) return false;
  if (goes_on) {
    turn_ = Turn::clients;
  } else {
    finish();
  }
  return true;
}

void AuthExchange::finish() noexcept {
  run_.reset();
  turn_ = Turn::nobodys;
}

}  // namespace holdfast::broker
