// broker/core/enhanced_auth.h: the seam of enhanced authentication (MQTT5 4.12): a client that names a method in
// CONNECT shows by AUTH packets who it is, before CONNACK and, when it wants, again while it is connected.
//
// What a method is, is not known here: Ports::begin_auth() makes an AuthMethod for one run of it, or says that there is
// none of that name. AuthExchange keeps the rules of the standard for one client, whatever the method.
// Thread: the worker's. PURE. Cost: one copy of what is said each way.
// Limits: one run at a time, one answer at a time; how long it may take before CONNACK is the server's connect_timeout,
//         and afterwards the client is a client like others meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/slab.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

class Ports;

// Who wants to be known, and by which method.
struct AuthQuestion {
  std::string_view client_id;
  std::string_view user_name;  // as CONNECT has it, or as it was vouched for before
  std::string_view method;
};

// What a method says to what the client has said.
struct AuthStep {
  enum class What : std::uint8_t { go_on, success, failure };
  What what = What::failure;
  wire::mqtt::Reason reason = wire::mqtt::Reason::not_authorized;  // of a failure; one that CONNACK and DISCONNECT have
  std::vector<std::byte> data = {};                                // for the client; of a failure it is not sent
  std::string user = {};                                           // of a success: vouched for
};

// One run of a method with one client. Destroyed when nobody waits for it any more; it answers nothing then.
class AuthMethod {
 public:
  virtual ~AuthMethod() = default;
  // The client has said this. One AuthStep answers, by the server that made it (Shard::on_auth_step(), or what comes
  // before CONNACK): later, never from in here.
  virtual void hear(std::span<const std::byte> data) = 0;
};

// The AUTH packets of one client.
class AuthExchange {
 public:
  explicit AuthExchange(std::string_view method) : method_(method) {}

  // Runs the method, from the start. False when there is none of this name.
  [[nodiscard]] bool begin(Ports& ports, base::Key link, const AuthQuestion& question, std::span<const std::byte> data);
  // AUTH of the client that goes on with what runs.
  [[nodiscard]] const wire::mqtt::Fault* hear(const wire::mqtt::Auth& auth);
  // Whether AUTH may begin it again: the method is the same, and nothing runs.
  [[nodiscard]] const wire::mqtt::Fault* may_begin_again(const wire::mqtt::Auth& auth) const;
  // What comes between CONNECT and CONNACK: AUTH is heard; DISCONNECT ends it, and so does any other packet, with a
  // fault.
  struct Said {
    enum class What : std::uint8_t { heard, leaves, fault } what = What::heard;
    const wire::mqtt::Fault* fault = nullptr;
  };
  [[nodiscard]] Said on_packet(const wire::mqtt::Header& header, wire::mqtt::Body body);

  // Whether an AuthStep is waited for. Others are nobody's.
  [[nodiscard]] bool is_asking() const noexcept { return turn_ == Turn::methods; }
  // AUTH for the client, within what it takes (0: anything); false when it is larger. After `go_on` it is the client's
  // turn, after a success the run is over.
  [[nodiscard]] bool answer(wire::mqtt::Bytes& out, const AuthStep& step, std::size_t packet_bytes_max);
  // The run is over: by a success that CONNACK says.
  void finish() noexcept;

  [[nodiscard]] std::string_view method() const noexcept { return method_; }

 private:
  enum class Turn : std::uint8_t { nobodys, methods, clients };

  std::string method_;
  std::unique_ptr<AuthMethod> run_;
  Turn turn_ = Turn::nobodys;
};

}  // namespace holdfast::broker
