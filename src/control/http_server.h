// control/http_server.h: HTTP/1.1 for the control plane's APIs, on a TCP address or a unix socket.
//
// Thread:   the control thread, or before run(). counters() from any thread.
// Cost:     one coroutine a connection; requests of one connection are answered one after the other. A request is held
//           whole: at the limits below, 512 bodies of 1 MiB at worst.
// Limits:   HttpLimits. Beyond `connections_max` a connection is accepted, answered 503 and closed. A request that
//           breaks a limit is answered 431, 413 or 400, then the connection ends; one that is too slow ends without
//           an answer. A peer that asks too often is answered 429, and a stream too many 503; their connections go
//           on. Without descriptors, accepting pauses for `accept_pause`.
// Lifetime: destroyed before the runtime. What the handlers touch lives until run() has returned.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/counter.h"
#include "base/endpoint.h"
#include "control/guard.h"
#include "control/listen_socket.h"
#include "control/router.h"
#include "control/runtime.h"

namespace holdfast::control {

struct HttpLimits {
  std::size_t connections_max = 512;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::milliseconds header_timeout =
      std::chrono::seconds{10};  // the whole header; of a new connection, from the start
  std::chrono::milliseconds body_timeout = std::chrono::seconds{10};   // the whole body
  std::chrono::milliseconds idle_timeout = std::chrono::seconds{60};   // between two requests
  std::chrono::milliseconds write_timeout = std::chrono::seconds{30};  // a whole response
  std::chrono::milliseconds linger_timeout = std::chrono::seconds{2};  // for the client to read the last response
  std::chrono::milliseconds accept_pause{100};
  double requests_per_second = 1000;  // of one peer: an address, or a user of the unix socket; peer_rates.h
  double requests_burst = 2000;
  std::size_t streams_max = 32;
  std::chrono::milliseconds heartbeat = std::chrono::seconds{15};  // of a stream that has nothing to say
};

// Who may connect to a unix socket, and who may ask.
struct HttpAccess {
  SocketFile socket{};
  Guard guard{};
};

// Written by the control thread.
struct HttpCounters {
  base::Gauge connections;
  base::Counter accepted;
  base::Counter refused;  // one too many: answered 503
  base::Counter accept_failed;
  base::Counter requests;
  base::Counter bad_requests;  // not HTTP, or beyond a limit
  base::Counter unauthorized;  // without the token: answered 401
  base::Counter too_many;      // of one peer: answered 429
  base::Gauge streams;
  base::Counter streams_refused;  // one too many: answered 503
  base::Counter timeouts;         // a connection that was too slow, or idle for too long
  base::Counter handler_failures;
};

class HttpServer {
 public:
  // Listens at once and serves as soon as the runtime runs. `name` is for logs and errors ("admin"). Throws
  // std::system_error: "admin 127.0.0.1:9100: Address already in use". Port 0 takes a free one.
  HttpServer(Runtime& runtime, std::string name, const base::Endpoint& endpoint, Router router, HttpLimits limits = {},
             HttpAccess access = {});
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // For requests from now on.
  void set_guard(Guard guard);
  // Takes no further connection; those that are there go on.
  void stop_listening();
  // Ends listening and every connection, also those whose handler is at work: its wait throws operation_aborted.
  void stop();

  [[nodiscard]] const base::Endpoint& local_endpoint() const noexcept;
  [[nodiscard]] const HttpCounters& counters() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::control
