#include "admin/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "control/uri.h"
#include "discovery/json_document.h"

namespace holdfast::admin {
namespace {

// "application/json; charset=utf-8" is as good: it says nothing else.
bool is_json(const std::string* type) {
  if (type == nullptr) return false;
  std::string essence = type->substr(0, type->find(';'));
  while (!essence.empty() && essence.back() == ' ') essence.pop_back();
  std::ranges::transform(essence, essence.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return essence == "application/json";
}

}  // namespace

Body::Body(const control::Request& request, std::initializer_list<const char*> known)
    : known_(known.begin(), known.end()) {
  if (request.body.empty()) return;
  const std::string* const type = request.find_header("Content-Type");
  if (is_json(type)) {
    read(request);
    return;
  }
  problem_ = control::problem(415, fmt::format("the body must be application/json; its Content-Type is {}",
                                               type != nullptr ? control::printable(*type) : "missing"));
}

void Body::read(const control::Request& request) {
  auto value = discovery::read_json(request.body, faults_);
  if (!value) return;
  if (value->as<config::Members>() == nullptr) {
    problem_ = control::problem(400, "the body must be a JSON object", {.known = known_});
    return;
  }
  object_ = std::move(*value);
  check_known();
}

void Body::check_known() {
  for (const config::Member& member : members()) {
    if (std::ranges::find(known_, member.key) != known_.end()) continue;
    const std::string detail = fmt::format("the body has an unknown key {}", config::quoted(member.key));
    problem_ = control::problem(400, detail, {.known = known_});
    return;
  }
}

const config::Members& Body::members() const { return *object_.as<config::Members>(); }

const config::Value* Body::find(std::string_view key) const {
  if (std::ranges::find(known_, key) == known_.end()) std::abort();
  return object_.find(key);
}

std::optional<control::Response> Body::problem() const {
  if (problem_ || faults_.empty()) return problem_;
  std::vector<std::string> texts;
  for (config::Fault& fault : faults_.in_file_order("")) texts.push_back(std::move(fault.text));
  return control::problem(400, texts.front(), {.faults = texts});
}

}  // namespace holdfast::admin
