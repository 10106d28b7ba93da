#include "admin/problems.h"

#include <fmt/format.h>

namespace holdfast::admin {
namespace {

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

control::Response nothing_called(std::string_view kind, std::string_view name, std::vector<std::string> known,
                                 unsigned status) {
  return control::problem(status, fmt::format("no {} is called \"{}\"", kind, control::printable(name)),
                          {.known = std::move(known)});
}

control::Response problem_of(const Refusal& refusal) {
  const unsigned status = status_of(refusal.why);
  if (refusal.faults.empty()) return control::problem(status, refusal.detail);
  std::vector<std::string> texts;
  for (const config::Fault& fault : refusal.faults) texts.push_back(config::to_text(fault));
  return control::problem(status, refusal.detail, {.faults = std::move(texts)});
}

}  // namespace holdfast::admin
