#include "config/change.h"

#include <fmt/format.h>

namespace holdfast::config {

std::string to_text(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::added: return "added";
    case Change::Kind::removed: return "removed";
    case Change::Kind::changed: break;
  }
  return "changed";
}

std::string place_of(const Change& change) {
  std::string place;
  for (const Name& name : change.where) {
    if (!place.empty()) place += ", ";
    place += name.name.empty() ? name.section : fmt::format("{} {}", name.section, name.name);
  }
  return place;
}

std::string to_text(const Change& change) {
  if (change.kind != Change::Kind::changed) return fmt::format("{}: {}", place_of(change), to_text(change.kind));
  return fmt::format("{}: {} {} -> {}", place_of(change), change.key, change.from, change.to);
}

}  // namespace holdfast::config
