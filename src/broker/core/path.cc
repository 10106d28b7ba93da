#include "broker/core/path.h"

namespace holdfast::broker {

bool Path::is_way_of(std::string_view filter, End end) const noexcept {
  // What is literal is compared in runs, with the slashes between.
  std::size_t run = 0;  // where in the topic the run begins
  for (std::size_t level = 0; level < levels_; ++level) {
    if (!is_plus_[level]) continue;
    const std::string_view literal = topic_.text().substr(run, topic_.start(level) - run);
    if (!filter.starts_with(literal) || filter.substr(literal.size(), 1) != "+") return false;
    filter.remove_prefix(literal.size() + 1);
    run = topic_.start(level + 1) - 1;
  }
  if (levels_ > 0) {
    const std::string_view literal = topic_.text().substr(run, topic_.start(levels_) - 1 - run);
    if (!filter.starts_with(literal)) return false;
    filter.remove_prefix(literal.size());
  }
  if (end == End::here) return filter.empty();
  return filter == (levels_ == 0 ? "#" : "/#");
}

}  // namespace holdfast::broker
