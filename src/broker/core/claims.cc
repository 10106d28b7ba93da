#include "broker/core/claims.h"

namespace holdfast::broker {

unsigned Claims::claim(std::string_view client_id, unsigned claimant) {
  auto at = ids_.find(client_id);
  if (at == ids_.end()) at = ids_.emplace(std::string(client_id), Entry{.holder = claimant}).first;
  ++at->second.unsettled;
  return at->second.holder;
}

void Claims::settle(std::string_view client_id, Outcome outcome) {
  const auto at = ids_.find(client_id);
  if (at == ids_.end()) return;
  --at->second.unsettled;
  if (outcome == Outcome::attached) at->second.has_session = true;
  forget_if_over(at);
}

void Claims::release(std::string_view client_id) {
  const auto at = ids_.find(client_id);
  if (at == ids_.end()) return;
  at->second.has_session = false;
  forget_if_over(at);
}

void Claims::forget_if_over(Ids::iterator at) {
  if (!at->second.has_session && at->second.unsettled == 0) ids_.erase(at);
}

std::optional<unsigned> Claims::holder(std::string_view client_id) const {
  const auto at = ids_.find(client_id);
  return at == ids_.end() ? std::nullopt : std::optional(at->second.holder);
}

}  // namespace holdfast::broker
