#include "policy/panic.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace holdfast::policy {

const PanicJudge::Server& PanicJudge::find(Id id) const {
  const auto found = std::ranges::lower_bound(servers_, id, {}, &Server::id);
  if (found == servers_.end() || found->id != id) std::abort();
  return *found;
}

PanicJudge::Server& PanicJudge::find(Id id) { return const_cast<Server&>(std::as_const(*this).find(id)); }

std::uint32_t PanicJudge::number_of(State state) const noexcept {
  return static_cast<std::uint32_t>(std::ranges::count(servers_, state, &Server::state));
}

bool PanicJudge::is_too_much(std::uint32_t failing, std::uint32_t all) const noexcept {
  return rules_.threshold > 0 && failing > rules_.threshold * all;
}

PanicJudge::Change PanicJudge::add(Id id, Start start) {
  const auto place = std::ranges::lower_bound(servers_, id, {}, &Server::id);
  if (place != servers_.end() && place->id == id) std::abort();
  servers_.insert(place, {id, start == Start::up ? State::up : State::proven_down, {}});
  return end_if_due();
}

PanicJudge::Change PanicJudge::remove(Id id) {
  servers_.erase(servers_.begin() + (&find(id) - servers_.data()));
  return end_if_due();
}

PanicJudge::Change PanicJudge::server_down(Id id, base::Time now) {
  Server& server = find(id);
  if (server.state != State::up) return {};
  server.down_at = now;
  server.state = in_panic_ ? State::held : State::down;
  return in_panic_ ? Change{} : begin_if_due(now);
}

PanicJudge::Change PanicJudge::server_up(Id id) {
  find(id).state = State::up;
  return end_if_due();
}

PanicJudge::Change PanicJudge::gave_up(Id id) {
  find(id).state = State::proven_down;
  return end_if_due();
}

PanicJudge::Change PanicJudge::connect_failed(Id id) {
  Server& server = find(id);
  if (server.state != State::held) return {};
  server.state = State::proven_down;
  return end_if_due();
}

PanicJudge::Change PanicJudge::set_rules(const PanicRules& rules) {
  rules_ = rules;
  return end_if_due();
}

PanicJudge::Change PanicJudge::begin_if_due(base::Time now) {
  const auto went_down_just_now = [&](const Server& server) {
    return server.state == State::down && now - server.down_at <= rules_.window;
  };
  const auto failing = static_cast<std::uint32_t>(std::ranges::count_if(servers_, went_down_just_now));
  const std::uint32_t good = number_of(State::up) + failing;
  if (!is_too_much(failing, good)) return {};
  for (Server& server : servers_) {
    if (went_down_just_now(server)) server.state = State::held;
  }
  in_panic_ = true;
  return {Change::Kind::began, failing, good};
}

PanicJudge::Change PanicJudge::end_if_due() {
  if (!in_panic_) return {};
  const std::uint32_t held = number_of(State::held);
  const std::uint32_t up = number_of(State::up);
  if (is_too_much(held, up + held)) return {};
  for (Server& server : servers_) {
    if (server.state == State::held) server.state = State::down;
  }
  in_panic_ = false;
  return {Change::Kind::ended, held, up};
}

bool PanicJudge::serves(Id id) const {
  const State state = find(id).state;
  return state == State::up || state == State::held;
}

bool PanicJudge::is_held(Id id) const { return find(id).state == State::held; }

}  // namespace holdfast::policy
