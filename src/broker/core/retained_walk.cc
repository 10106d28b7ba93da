#include "broker/core/retained_walk.h"

#include <optional>

#include "broker/core/topic_order.h"

namespace holdfast::broker {
namespace {

constexpr char kBehindAllBelow = '\0';  // the byte that comes right after `/` in the order of topics
constexpr std::string_view kBehindDollar = "%";

// The levels of a name, one after the other.
class Levels {
 public:
  explicit Levels(std::string_view name) noexcept : name_(name), end_(end_of(0)) {}

  [[nodiscard]] bool is_there() const noexcept { return start_ <= name_.size(); }
  [[nodiscard]] std::size_t start() const noexcept { return start_; }
  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  [[nodiscard]] std::string_view text() const noexcept { return name_.substr(start_, end_ - start_); }
  void advance() noexcept {
    start_ = end_ + 1;
    if (is_there()) end_ = end_of(start_);
  }

 private:
  [[nodiscard]] std::size_t end_of(std::size_t start) const noexcept {
    const std::size_t slash = name_.find('/', start);
    return slash == std::string_view::npos ? name_.size() : slash;
  }

  std::string_view name_;
  std::size_t start_ = 0;
  std::size_t end_;
};

// What of the filter, from the level that begins at `start`, every match has before its first wildcard. A `#` also
// matches what stands before its slash.
std::string_view literal_run(std::string_view filter, std::size_t start) noexcept {
  const std::string_view rest = filter.substr(start);
  const std::size_t wildcard = rest.find_first_of("+#");
  if (wildcard == std::string_view::npos || rest[wildcard] == '+') return rest.substr(0, wildcard);
  return rest.substr(0, wildcard == 0 ? 0 : wildcard - 1);
}

}  // namespace

void begin_retained_walk(std::string_view filter, std::string& from) { from = literal_run(filter, 0); }

RetainedStep walk_retained(std::string_view filter, std::string_view topic, std::string& from) {
  std::optional<std::size_t> last_plus;  // the end of the topic's level that the last `+` stood for
  // Everything below the last level that could be another one is behind us.
  const auto leave = [&](bool is_match) {
    if (!last_plus) return RetainedStep{.is_match = is_match, .is_done = true};
    from.assign(topic.substr(0, *last_plus)).push_back(kBehindAllBelow);
    return RetainedStep{.is_match = is_match, .is_done = false};
  };
  Levels wanted(filter);
  Levels level(topic);
  for (; wanted.is_there() && level.is_there(); wanted.advance(), level.advance()) {
    const bool is_wild = wanted.text() == "+" || wanted.text() == "#";
    //= MQTT5 [MQTT-4.7.2-1]
    //= MQTT311 [MQTT-4.7.2-1]
    if (is_wild && level.start() == 0 && topic.starts_with('$')) {
      from = kBehindDollar;
      return {};
    }
    if (wanted.text() == "#") {
      from.assign(topic).push_back('/');
      return {.is_match = true, .is_done = false};
    }
    if (is_wild) {
      last_plus = level.end();
      continue;
    }
    const int order = compare_topics(level.text(), wanted.text());
    if (order > 0) return leave(false);
    if (order < 0) {
      from.assign(topic.substr(0, level.start())).append(literal_run(filter, wanted.start()));
      return {};
    }
  }
  if (!wanted.is_there()) return leave(!level.is_there());
  // The topic ends before the filter does.
  from.assign(topic).push_back('/');
  if (wanted.text() == "#") return {.is_match = true, .is_done = false};
  from.append(literal_run(filter, wanted.start()));
  return {};
}

}  // namespace holdfast::broker
