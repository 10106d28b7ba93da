// auth/module.h: one that knows who clients are: a file of users now, a database or a service later.
//
// Thread: the control thread; what blocks runs on the pool of PasswordChecker or one of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/peer_address.h"
#include "config/settings.h"
#include "control/task.h"

namespace holdfast::auth {

// What a client says of itself in CONNECT, and what is known of it besides.
struct Credentials {
  std::string client_id;
  std::optional<std::string> user;
  std::optional<std::string> password;  // any bytes
  base::PeerAddress address;
  std::string listener;                        // its name
  std::string certificate;                     // the common name in the client's certificate; empty: there is none
  std::optional<config::Anonymous> anonymous;  // what its listener says; none: what [auth] says
};

enum class Verdict : std::uint8_t {
  ok,
  ok_superuser,
  ignore,             // of modules alone: this client is not known here; ask the next one
  bad_credentials,    // wrong password, or nobody of that name
  not_authorized,     // right, but not like this: another client id or address; or nobody knows a client without a name
  error,              // it could not be found out
  busy,               // there are too many who want to know
  too_many_failures,  // of its address, of late: nothing was looked at
};

// "ok", "ok_superuser", ...
[[nodiscard]] const char* name(Verdict verdict) noexcept;
inline constexpr std::size_t kVerdicts = 8;

class Module {
 public:
  virtual ~Module() = default;
  // May be called again before an earlier call has ended. Does not throw, but when its job is cancelled. The coroutine
  // keeps alive what it needs: the module may be gone before it ends.
  [[nodiscard]] virtual control::Task<Verdict> authenticate(std::shared_ptr<const Credentials> credentials) = 0;
};

}  // namespace holdfast::auth
