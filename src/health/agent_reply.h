// health/agent_reply.h: what the line of an agent says, in the words of HAProxy's agent-check.
//
// Thread: pure functions and values. Cost: one pass over the line, which is bounded by who reads it.
// Source: HAProxy, configuration manual, `agent-check`, and tcpcheck_agent_expect_reply() in its src/tcpcheck.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::health {

struct AgentReply {
  enum class Mode : std::uint8_t { unchanged, ready, drain, maint };
  enum class Life : std::uint8_t { unchanged, up, down, stopped, fail };

  std::optional<std::uint32_t> weight_percent;   // "75%" of the configured weight; 100'000 at most
  std::optional<std::uint32_t> max_connections;  // "maxconn:30"; 0: no limit
  Mode mode = Mode::unchanged;
  Life life = Life::unchanged;
  std::string reason;  // what stands behind "#", else the words that are not known; for the log, printable

  [[nodiscard]] bool is_down() const noexcept { return life >= Life::down; }
  friend bool operator==(const AgentReply&, const AgentReply&) = default;
};

// Words in any order and case, separated by spaces, tabs or commas; the last of a kind wins; the line ends at the first
// CR or LF. As in HAProxy, a word that is not known changes nothing, and an empty line is an agent without news.
// Unlike there, "#" also ends a word ("down#disk full"), and a weight or limit that is not a number is a word that is
// not known. None: there are words, and not one of them is known, so this is no agent.
[[nodiscard]] std::optional<AgentReply> parse_agent_reply(std::string_view line);

}  // namespace holdfast::health
