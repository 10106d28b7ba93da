#include "config/endpoint_kinds.h"
#include "config/health_kinds.h"
#include "config/sections.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kStepBytesMax = 4096;

Table<HealthStep> step() {
  return {{
      {"send", any_text(kStepBytesMax), &HealthStep::send, "", kLive,
       "Text to send. `${host}` and `${port}` stand for the server's address, `$$` for a `$`."},
      {"send_hex", hex(kStepBytesMax), &HealthStep::send_hex, "", kLive, "Bytes to send, such as `\"10 0c 00 04\"`."},
      {"expect", any_text(kStepBytesMax), &HealthStep::expect, "", kLive,
       "Text that must come, with the same variables. What comes before it is skipped."},
      {"expect_hex", hex(kStepBytesMax), &HealthStep::expect_hex, "", kLive, "Bytes that must come."},
  }};
}

Kind<HealthType> health_type() {
  return choice<HealthType>({{"tcp", HealthType::tcp},
                             {"http", HealthType::http},
                             {"script", HealthType::script},
                             {"agent", HealthType::agent}});
}

}  // namespace

Table<Health> health_section() {
  return {{
      {"type", health_type(), &Health::type, "tcp", kLive,
       "How a server is asked: `tcp` connects; `http` sends a request; `script` goes through the "
       "[[pool.health.step]]s; "
       "`agent` reads a line in the words of HAProxy's agent-check."},
      {"address", optional_of(ip_address()), &Health::address, "", kLive,
       "Whom to ask instead of the server's own address."},
      {"port", count(0, 65'535), &Health::port, 0, kLive, "Which port to ask. 0: the server's own."},
      {"interval", duration(10ms, kDay), &Health::interval, "2s", kLive,
       "The time between two checks of a server that is UP."},
      {"fast_interval", duration_or_zero(10ms, kDay), &Health::fast_interval, "500ms", kLive,
       "The same while it is on its way UP or DOWN. 0s: `interval`."},
      {"down_interval", duration_or_zero(10ms, kDay), &Health::down_interval, "0s", kLive,
       "The same while it is DOWN. 0s: `interval`."},
      {"jitter", real(0, 0.5), &Health::jitter, 0.1, kLive, "Each of these is varied by chance, by up to this share."},
      {"timeout", duration(1ms, 1h), &Health::timeout, "2s", kLive,
       "A check that takes longer has failed. It is the limit of the whole check."},
      {"rise", count(1, 100), &Health::rise, 2, kLive, "How many checks in a row must pass until a server is UP."},
      {"fall", count(1, 100), &Health::fall, 3, kLive, "How many checks in a row must fail until a server is DOWN."},
      {"panic_threshold", real_or_zero(0.01, 1), &Health::panic_threshold, 0.5, kLive,
       "When more than this share of the pool goes down within one `interval`, the checks are doubted: the servers "
       "that "
       "were good before go on serving, each until a client does not reach it, and an alarm says so. 0: never."},
      {"method", text(16), &Health::method, "GET", kLive, "For `http`: the method of the request."},
      {"path", text(2048), &Health::path, "/", kLive, "For `http`: path and query of the request."},
      {"headers", list_of(http_header(), {0, 64}), &Health::headers, kEmptyList, kLive,
       "For `http`: further headers, such as `\"Host: broker.example.com\"`. Without a `Host` the server's address is "
       "sent."},
      {"status", list_of(status_range(), {1, 64}), &Health::status, Default(Value{List{Value{std::string("200-399")}}}),
       kLive, "For `http`: the status codes that are good, each one or a range."},
      {"body", any_text(kStepBytesMax), &Health::body, "", kLive,
       "For `http`: text that the first 64 KiB of the body must have. Empty: the body is not looked at."},
      {"agent_port", count(0, 65'535), &Health::agent_port, 0, kLive,
       "Beside the check, ask an agent at this port for weight and state. 0: no. An agent that does not answer changes "
       "nothing; one that said down is believed until it says up."},
      {"agent_address", optional_of(ip_address()), &Health::agent_address, "", kLive,
       "Where that agent is, when not at the server's address."},
      {"agent_send", any_text(256), &Health::agent_send, "", kLive,
       "What an agent is sent first, when it wants something."},
      {"step", tables(step(), {0, 64}), &Health::steps, kEmptyList, kLive,
       "One step of a `script`: it has one of these keys. Steps are done in their order on one connection."},
  }};
}

}  // namespace holdfast::config
