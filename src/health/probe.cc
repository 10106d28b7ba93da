#include "health/probe.h"

#include <boost/asio.hpp>
#include <optional>
#include <utility>

#include "base/time.h"
#include "health/dialogue.h"
#include "health/questions.h"

namespace holdfast::health {
namespace asio = boost::asio;
namespace {

using base::Endpoint;
using config::HealthType;
using Settings = std::shared_ptr<const config::Health>;

// `address` and `port` take the place of the server's own where they are given. A server with a unix path is on this
// machine, so a port alone is one of this machine.
Endpoint whom_to_ask(const Endpoint& server, const std::optional<Endpoint>& address, std::uint32_t port) {
  Endpoint asked = address.value_or(server);
  if (asked.kind == Endpoint::Kind::unix_path) {
    if (port == 0) return asked;
    asked = Endpoint{Endpoint::Kind::ipv4, "127.0.0.1", 0};
  }
  asked.port = port != 0 ? static_cast<std::uint16_t>(port) : server.port;
  return asked;
}

control::Task<Outcome> connected() { co_return passed("connected"); }

control::Task<Outcome> converse(HealthType type, std::shared_ptr<Dialogue> dialogue, Settings settings, Endpoint server,
                                Endpoint asked) {
  switch (type) {
    case HealthType::tcp: break;
    case HealthType::http:
      return ask_http(std::move(dialogue), std::move(settings), std::move(server), std::move(asked));
    case HealthType::script: return ask_script(std::move(dialogue), std::move(settings), std::move(server));
    case HealthType::agent: return read_agent(std::move(dialogue), std::move(settings));
  }
  return connected();
}

// None when the connection is open and the preamble is on its way.
control::Task<std::optional<Outcome>> open(std::shared_ptr<Dialogue> dialogue, Endpoint asked, std::string preamble) {
  if (asked.kind != Endpoint::Kind::unix_path && asked.port == 0) {
    Outcome outcome = failed("cannot ask: no port is known");
    outcome.asked = false;
    co_return outcome;
  }
  const bool connected = co_await dialogue->connect(std::move(asked));
  if (!connected) co_return dialogue->failure("while connecting");
  const bool sent = co_await dialogue->send(std::move(preamble));
  if (!sent) co_return dialogue->failure("while sending the preamble");
  co_return std::nullopt;
}

control::Task<Outcome> timed(HealthType type, Settings settings, Endpoint server, Endpoint asked,
                             std::string preamble) {
  const base::Time begin = base::Clock::now();
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const std::shared_ptr<Dialogue> dialogue = Dialogue::begin(executor, settings->timeout);
  std::optional<Outcome> outcome = co_await open(dialogue, asked, std::move(preamble));
  if (!outcome) {
    control::Task<Outcome> rest = converse(type, dialogue, std::move(settings), std::move(server), std::move(asked));
    Outcome answered = co_await std::move(rest);
    outcome = std::move(answered);
  }
  outcome->took = std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - begin);
  co_return std::move(*outcome);
}

}  // namespace

Outcome failed(std::string reason) {
  Outcome outcome;
  outcome.reason = std::move(reason);
  return outcome;
}

Outcome passed(std::string reason) {
  Outcome outcome = failed(std::move(reason));
  outcome.passed = true;
  return outcome;
}

control::Task<Outcome> probe(Settings settings, Target target) {
  const HealthType type = settings->type;
  Endpoint asked = whom_to_ask(target.server, settings->address, settings->port);
  std::string preamble = type == HealthType::agent ? "" : std::move(target.preamble);
  return timed(type, std::move(settings), std::move(target.server), std::move(asked), std::move(preamble));
}

control::Task<Outcome> ask_agent(Settings settings, Target target) {
  Endpoint asked = whom_to_ask(target.server, settings->agent_address, settings->agent_port);
  return timed(HealthType::agent, std::move(settings), std::move(target.server), std::move(asked), "");
}

}  // namespace holdfast::health
