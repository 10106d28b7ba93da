#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "health/questions.h"

namespace holdfast::health {
namespace {

Outcome unmet(const Dialogue& dialogue, const std::string& received, const std::string& where) {
  if (dialogue.is_closed() && !received.empty()) return failed(fmt::format("expected text not found {}", where));
  return dialogue.failure(where);
}

// None once `wanted` has come; it and what came before it are then gone from what was received.
control::Task<std::optional<Outcome>> expect(std::shared_ptr<Dialogue> dialogue, std::string wanted,
                                             std::string where) {
  std::string& received = dialogue->received();
  std::size_t searched = 0;
  std::size_t found = received.find(wanted);
  while (found == std::string::npos) {
    if (received.size() >= Dialogue::kReceivedBytesMax) {
      co_return failed(fmt::format("expected text not found in 64 KiB {}", where));
    }
    searched = received.size() - std::min(received.size(), wanted.size() - 1);
    const bool more = co_await dialogue->receive();
    if (!more) co_return unmet(*dialogue, received, where);
    found = received.find(wanted, searched);
  }
  received.erase(0, found + wanted.size());
  co_return std::nullopt;
}

control::Task<std::optional<Outcome>> say(std::shared_ptr<Dialogue> dialogue, std::string bytes, std::string where) {
  const bool sent = co_await dialogue->send(std::move(bytes));
  if (!sent) co_return dialogue->failure(where);
  co_return std::nullopt;
}

control::Task<std::optional<Outcome>> go(std::shared_ptr<Dialogue> dialogue, config::HealthStep step,
                                         base::Endpoint server, std::string where) {
  if (!step.send_hex.empty()) return say(std::move(dialogue), std::move(step.send_hex), std::move(where));
  if (!step.expect_hex.empty()) return expect(std::move(dialogue), std::move(step.expect_hex), std::move(where));
  if (!step.expect.empty()) return expect(std::move(dialogue), expand(step.expect, server), std::move(where));
  return say(std::move(dialogue), expand(step.send, server), std::move(where));
}

}  // namespace

control::Task<Outcome> ask_script(std::shared_ptr<Dialogue> dialogue, std::shared_ptr<const config::Health> settings,
                                  base::Endpoint server) {
  for (std::size_t i = 0; i < settings->steps.size(); ++i) {
    control::Task<std::optional<Outcome>> step =
        go(dialogue, settings->steps[i], server, fmt::format("in step {}", i + 1));
    std::optional<Outcome> ended = co_await std::move(step);
    if (ended) co_return std::move(*ended);
  }
  co_return passed(fmt::format("all {} steps done", settings->steps.size()));
}

std::string expand(std::string_view text, const base::Endpoint& server) {
  const std::pair<std::string_view, std::string> meanings[] = {
      {"$$", "$"}, {"${host}", server.host}, {"${port}", std::to_string(server.port)}};
  std::string result;
  while (!text.empty()) {
    const std::string_view plain = text.substr(0, text.find('$'));
    result += plain;
    text.remove_prefix(plain.size());
    const auto* meaning = std::ranges::find_if(meanings, [text](const auto& m) { return text.starts_with(m.first); });
    if (meaning == std::end(meanings)) {
      result += text.substr(0, 1);
      text.remove_prefix(std::min<std::size_t>(text.size(), 1));
    } else {
      result += meaning->second;
      text.remove_prefix(meaning->first.size());
    }
  }
  return result;
}

}  // namespace holdfast::health
