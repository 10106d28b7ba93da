// Any text yields rules or faults that can be printed and jumped to; rules are read back from what is written of them,
// and answer every question.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "auth/acl.h"
#include "auth/acl_text.h"
#include "auth/topic_rules.h"

namespace {

using namespace holdfast::auth;

void demand(bool holds) {
  if (!holds) std::abort();
}

void demand_that_it_is_read_back(const Rule& rule) {
  holdfast::config::Faults faults;
  auto again = read_acl(to_text(rule), faults);
  if (to_text(rule).size() > kLineBytesMax) return;
  demand(faults.empty() && again.size() == 1);
  again.front().line = rule.line;
  demand(again.front() == rule);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  holdfast::config::Faults faults;
  const auto rules = read_acl(text, faults);
  for (const auto& fault : faults.in_file_order("acl")) demand(fault.line > 0 && fault.column > 0);
  for (const Rule& each : rules) {
    demand(!each.filters.empty());
    demand_that_it_is_read_back(each);
  }
  const Acl acl(rules, Permission::deny);
  const std::string_view end = text.substr(std::min(size, text.rfind('\n') + 1));
  for (const std::string_view name : {"ann", "", "#", "a/b"}) {
    const Identity identity = acl.prepare({.client_id = name, .user = end, .address = {}});
    for (const std::string_view topic : {std::string_view("a/b"), std::string_view("#"), end}) {
      (void)acl.check(identity, Action::publish, topic);
      (void)acl.check(identity, Action::subscribe, topic);
    }
  }
  demand(!covers(end, "a/b") || overlaps(end, "a/b"));
  return 0;
}
