// broker/core/rewrite.h: topics and filters that stand for others.
//
// A rule has a filter; what its wildcards stand for in a topic can be used in the new one: $1 for the first `+` or `#`,
// and so on to $9. %c and %u stand for client id and user name. The first rule that fits wins, as in EMQ 2.
// Thread: values. Cost: one comparison a rule, nothing when there are none.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::broker {

struct Rewrite {
  enum class Of : std::uint8_t { all, publish, subscribe };

  Of action = Of::all;
  std::string from;  // a filter
  std::string to;
};

// What `text` means: it itself, or what the rules make of it, which `made` then holds.
[[nodiscard]] std::string_view rewritten(std::span<const Rewrite> rules, Rewrite::Of action, std::string_view text,
                                         std::string_view client_id, std::string_view user_name, std::string& made);

// `pattern` with %c, %u and, where there are any, $1 to $9 replaced.
void expand(std::string& into, std::string_view pattern, std::string_view client_id, std::string_view user_name,
            std::span<const std::string_view> captured = {});

// Whether the names that `pattern` asks for by %c and %u are within one level each: without `/`, `+` and `#`. An empty
// one is.
[[nodiscard]] bool names_are_levels(std::string_view pattern, std::string_view client_id, std::string_view user_name);
// Whether the names that `pattern` asks for by %c and %u can be put into a filter: who calls itself `#` must not get
// the topics of everybody. One that is empty, has `/`, `+` or `#`, or begins with `$`, cannot.
[[nodiscard]] bool names_fit(std::string_view pattern, std::string_view client_id, std::string_view user_name);

}  // namespace holdfast::broker
