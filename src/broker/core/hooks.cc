#include "broker/core/hooks.h"

namespace holdfast::broker {
namespace {

template <HookKind kKind, typename Event>
constexpr bool kIs = std::is_same_v<std::variant_alternative_t<static_cast<std::size_t>(kKind), HookEvent>, Event>;
static_assert(kIs<HookKind::connected, told::Connected> && kIs<HookKind::gone, told::Gone> &&
              kIs<HookKind::session_begun, told::SessionBegun> && kIs<HookKind::session_ended, told::SessionEnded> &&
              kIs<HookKind::subscribed, told::Subscribed> && kIs<HookKind::unsubscribed, told::Unsubscribed> &&
              kIs<HookKind::published, told::Published> && kIs<HookKind::delivered, told::Delivered> &&
              kIs<HookKind::acknowledged, told::Acknowledged> && kIs<HookKind::dropped, told::Dropped>);

}  // namespace

HookList::HookList(const std::vector<HooksMaker>& makers, Announcer& announcer) {
  for (const HooksMaker& make : makers) {
    std::unique_ptr<Hooks> hooks = make(announcer);
    const HookKinds wants = hooks->wants();
    wants_.add(wants);
    entries_.push_back({std::move(hooks), wants});
  }
}

void HookList::tell(const HookEvent& event) const {
  for (const Entry& each : entries_) {
    if (each.wants.has(static_cast<HookKind>(event.index()))) each.hooks->tell(event);
  }
}

}  // namespace holdfast::broker
