#include "admin/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "admin/problems.h"
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
    problem_ = problem_with_known(400, "the body must be a JSON object", known_);
    return;
  }
  object_ = std::move(*value);
  check_known();
}

void Body::check_known() {
  for (const config::Member& member : members()) {
    if (std::ranges::find(known_, member.key) != known_.end()) continue;
    problem_ =
        problem_with_known(400, fmt::format("the body has an unknown key {}", config::quoted(member.key)), known_);
    return;
  }
}

const config::Members& Body::members() const { return *object_.as<config::Members>(); }

const config::Value* Body::find(std::string_view key) const {
  if (std::ranges::find(known_, key) == known_.end()) std::abort();
  return object_.find(key);
}

config::Members Body::only(std::initializer_list<const char*> keys) const {
  config::Members chosen;
  for (const config::Member& member : members()) {
    if (std::ranges::find(keys, member.key) != keys.end()) chosen.push_back(member);
  }
  return chosen;
}

void Body::refuse(std::string_view key, std::string why) {
  const config::Value* const value = find(key);
  faults_.add(value != nullptr ? value->position : config::Position{}, std::move(why));
}

std::optional<control::Response> Body::problem() const {
  if (problem_ || faults_.empty()) return problem_;
  std::vector<std::string> texts;
  for (config::Fault& fault : faults_.in_file_order("")) texts.push_back(std::move(fault.text));
  return problem_with_faults(400, texts.front(), texts);
}

}  // namespace holdfast::admin
