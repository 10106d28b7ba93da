// auth/acl_text.h: the text of an ACL file as rules, or as everything that is wrong with it.
//
// One rule a line; the first one that decides counts (auth/acl.h says when one does):
//
//   allow|deny user NAME|client ID|address NETWORK|all publish|subscribe|all FILTER [FILTER...]
//
// `%u` in a filter stands for the user name, `%c` for the client id; `%` and another letter is a fault. `eq FILTER` is
// the filter as it is written, whose wildcards stand for nothing. What has blanks in it, or is called `eq`, stands in
// double quotes, where `\"` and `\\` are the characters themselves. A line that begins with `#` is a comment.
//
// Thread: pure. Limits: kRulesMax rules, kLineBytesMax bytes a line, 1,000 faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cidr.h"
#include "config/fault.h"

namespace holdfast::auth {

inline constexpr std::size_t kRulesMax = 200'000;
inline constexpr std::size_t kLineBytesMax = 65'536;

enum class Permission : std::uint8_t { deny, allow };
enum class RuleWho : std::uint8_t { all, user, client, address };
enum class RuleAction : std::uint8_t { all, publish, subscribe };

struct RuleFilter {
  std::string text;
  bool literal = false;  // eq
  friend bool operator==(const RuleFilter&, const RuleFilter&) = default;
};

struct Rule {
  Permission permission = Permission::deny;
  RuleWho who = RuleWho::all;
  std::string name;    // of the user or the client
  base::Cidr network;  // of an address
  RuleAction action = RuleAction::all;
  std::vector<RuleFilter> filters;  // never empty
  std::uint32_t line = 0;           // from 1
  friend bool operator==(const Rule&, const Rule&) = default;
};

// Faults are added in the order of the text; where there are any, the rules are not to be used.
[[nodiscard]] std::vector<Rule> read_acl(std::string_view text, config::Faults& faults);

// What read_acl() reads back as the same rule, but for its line.
[[nodiscard]] std::string to_text(const Rule& rule);

}  // namespace holdfast::auth
