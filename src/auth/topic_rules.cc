#include "auth/topic_rules.h"

#include <algorithm>
#include <optional>

namespace holdfast::auth {
namespace {

// Goes through a topic or a filter, level by level.
class Levels {
 public:
  explicit Levels(std::string_view text) noexcept : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return !rest_.has_value(); }
  [[nodiscard]] std::string_view level() const noexcept { return rest_->substr(0, rest_->find('/')); }
  void advance() noexcept {
    const auto slash = rest_->find('/');
    rest_ = slash == std::string_view::npos ? std::nullopt : std::optional(rest_->substr(slash + 1));
  }
  [[nodiscard]] bool is_multi() const noexcept { return !at_end() && level() == "#"; }

 private:
  std::optional<std::string_view> rest_;
};

bool begins_with_wildcard(std::string_view filter) noexcept {
  return filter.starts_with('+') || filter.starts_with('#');
}

// A wildcard in front never means what begins with "$".
bool kept_apart(std::string_view a, std::string_view b) noexcept {
  return (begins_with_wildcard(a) && b.starts_with('$')) || (begins_with_wildcard(b) && a.starts_with('$'));
}

}  // namespace

bool matches(std::string_view filter, std::string_view topic) noexcept {
  if (begins_with_wildcard(filter) && topic.starts_with('$')) return false;
  Levels wanted(filter);
  Levels found(topic);
  while (!wanted.at_end()) {
    if (wanted.is_multi()) return true;  // also when there are no more levels: "a/#" matches "a"
    if (found.at_end() || (wanted.level() != "+" && wanted.level() != found.level())) return false;
    wanted.advance();
    found.advance();
  }
  return found.at_end();
}

bool covers(std::string_view filter, std::string_view inner) noexcept {
  if (begins_with_wildcard(filter) && inner.starts_with('$')) return false;
  Levels outer(filter);
  Levels found(inner);
  while (!outer.at_end()) {
    if (outer.is_multi()) return true;
    if (found.at_end() || found.is_multi()) return false;
    if (outer.level() != "+" && outer.level() != found.level()) return false;
    outer.advance();
    found.advance();
  }
  return found.at_end();
}

bool overlaps(std::string_view a, std::string_view b) noexcept {
  if (kept_apart(a, b)) return false;
  Levels one(a);
  Levels other(b);
  while (!one.at_end() && !other.at_end()) {
    if (one.is_multi() || other.is_multi()) return true;
    const bool same = one.level() == "+" || other.level() == "+" || one.level() == other.level();
    if (!same) return false;
    one.advance();
    other.advance();
  }
  return (one.at_end() || one.is_multi()) && (other.at_end() || other.is_multi());
}

std::string_view without_prefix(std::string_view filter) noexcept {
  for (const std::string_view prefix : {"$queue/", "$exclusive/"}) {
    if (filter.starts_with(prefix)) return filter.substr(prefix.size());
  }
  constexpr std::string_view kShare = "$share/";
  if (!filter.starts_with(kShare)) return filter;
  const auto slash = filter.find('/', kShare.size());
  return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

std::string_view without_delay(std::string_view topic) noexcept {
  constexpr std::string_view kDelayed = "$delayed/";
  if (!topic.starts_with(kDelayed)) return topic;
  const auto slash = topic.find('/', kDelayed.size());
  if (slash == std::string_view::npos) return topic;
  const std::string_view seconds = topic.substr(kDelayed.size(), slash - kDelayed.size());
  const bool is_number = !seconds.empty() && std::ranges::all_of(seconds, [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? topic.substr(slash + 1) : topic;
}

}  // namespace holdfast::auth
