#include "admin/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/utf8.h"

namespace holdfast::admin {
namespace {

namespace json = boost::json;

//= RFC9457 3.2
control::Response with_member(unsigned status, std::string detail, std::string_view member,
                              std::span<const std::string> texts) {
  json::array items;
  for (const std::string& text : texts) items.emplace_back(base::to_utf8(text));
  const json::object document = {{"type", "about:blank"},
                                 {"title", std::string(control::reason(status))},
                                 {"status", status},
                                 {"detail", base::to_utf8(std::move(detail))},
                                 {member, std::move(items)}};
  return {.status = status, .content_type = "application/problem+json", .body = json::serialize(document) + "\n"};
}

unsigned status_of(Refusal::Why why) {
  switch (why) {
    case Refusal::Why::not_found: return 404;
    case Refusal::Why::conflict: return 409;
    case Refusal::Why::invalid: return 422;
    case Refusal::Why::failed: break;
  }
  return 500;
}

}  // namespace

control::Response problem_with_known(unsigned status, std::string detail, std::span<const std::string> known) {
  return with_member(status, std::move(detail), "known", known.first(std::min(known.size(), kKnownMax)));
}

control::Response problem_with_faults(unsigned status, std::string detail, std::span<const std::string> faults) {
  return with_member(status, std::move(detail), "faults", faults);
}

control::Response nothing_called(std::string_view kind, std::string_view name, std::span<const std::string> known) {
  return problem_with_known(404, fmt::format("no {} is called \"{}\"", kind, control::printable(name)), known);
}

control::Response problem_of(const Refusal& refusal) {
  const unsigned status = status_of(refusal.why);
  if (refusal.faults.empty()) return control::problem(status, refusal.detail);
  std::vector<std::string> texts;
  for (const config::Fault& fault : refusal.faults) texts.push_back(config::to_text(fault));
  return problem_with_faults(status, refusal.detail, texts);
}

}  // namespace holdfast::admin
