#include "config/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace holdfast::config {

std::string to_text(const Fault& fault) {
  if (fault.line == 0) return fmt::format("{}: {}", fault.file, fault.text);
  return fmt::format("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.text);
}

void Faults::add(Position position, std::string text) {
  if (found_.size() == kMax) {
    ++dropped_;
  } else {
    found_.push_back({position, std::move(text)});
  }
}

std::vector<Fault> Faults::in_file_order(std::string_view file) const {
  std::vector<Found> sorted = found_;
  std::ranges::stable_sort(sorted, {}, &Found::position);
  if (dropped_ > 0) sorted.push_back({{}, fmt::format("{} more faults are not listed", dropped_)});
  std::vector<Fault> faults;
  faults.reserve(sorted.size());
  for (Found& found : sorted) {
    faults.push_back({std::string(file), found.position.line, found.position.column, std::move(found.text)});
  }
  return faults;
}

}  // namespace holdfast::config
