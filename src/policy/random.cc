#include "policy/random.h"

#include "policy/least.h"

namespace holdfast::policy {
namespace {

constexpr int kSecondDraws = 4;  // until a second one differs from the first: with one heavy server it may not

}  // namespace

std::optional<std::uint32_t> RandomTwo::choose(const View& view, const Request& request) {
  const auto one = draw_.draw(view, request);
  if (!one) return std::nullopt;
  Least least;
  least.offer(*one, view.servers[*one]);
  for (int draws = 0; draws < kSecondDraws; ++draws) {
    const std::uint32_t two = draw_.draw_any();
    if (two == *one || !usable(view.servers[two], two, request)) continue;
    least.offer(two, view.servers[two]);
    break;
  }
  return least.index();
}

}  // namespace holdfast::policy
