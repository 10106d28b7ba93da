// admin/problems.h: what the API answers when it does not do what was asked: RFC 9457 with two members of our own,
// "known" (the names that would be right) and "faults" (everything that is wrong, where it is more than one thing).
//
// Thread: pure. Limits: those of control::problem().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/faces.h"
#include "config/fault.h"
#include "control/http_message.h"

namespace holdfast::admin {

// `no pool is called "x"`; `known`: those that there are. 404 when the path names it, 400 when a parameter does.
[[nodiscard]] control::Response nothing_called(std::string_view kind, std::string_view name,
                                               std::vector<std::string> known, unsigned status = 404);
// 404, 409, 422 or 500, by what it says.
[[nodiscard]] control::Response problem_of(const Refusal& refusal);

// The names of things, for the above.
template <typename Things, typename Thing>
[[nodiscard]] std::vector<std::string> names_of(const Things& things, std::string Thing::*name) {
  std::vector<std::string> names;
  for (const Thing& each : things) names.push_back(each.*name);
  return names;
}

}  // namespace holdfast::admin
