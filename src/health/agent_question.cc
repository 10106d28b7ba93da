#include <algorithm>
#include <utility>

#include "health/questions.h"
#include "health/shown.h"

namespace holdfast::health {
namespace {

constexpr std::size_t kLineBytesMax = 1024;

// The line without its end; an agent that closes has ended it.
Outcome outcome_of(std::string_view line) {
  std::optional<AgentReply> reply = parse_agent_reply(line);
  if (!reply) return failed("not an agent's answer: " + shown(line));
  Outcome outcome;
  outcome.passed = !reply->is_down();
  outcome.reason = line.empty() ? "agent without news" : "agent says " + shown(line);
  outcome.agent = std::move(reply);
  return outcome;
}

}  // namespace

control::Task<Outcome> read_agent(std::shared_ptr<Dialogue> dialogue, std::shared_ptr<const config::Health> settings) {
  std::string request = settings->agent_send;
  const bool sent = co_await dialogue->send(std::move(request));
  if (!sent) co_return dialogue->failure("while sending to the agent");
  const std::string& received = dialogue->received();
  std::size_t end = std::string::npos;
  while (end == std::string::npos && received.size() <= kLineBytesMax) {
    const bool more = co_await dialogue->receive();
    if (!more && (!dialogue->is_closed() || received.empty())) co_return dialogue->failure(kWhileWaiting);
    end = more ? received.find_first_of("\r\n") : received.size();
  }
  if (end > kLineBytesMax) co_return failed("no end of line in 1 KiB");
  co_return outcome_of(received.substr(0, end));
}

}  // namespace holdfast::health
