#include "config/applies.h"

namespace holdfast::config {
namespace {

std::string words_of(Applies applies) {
  return applies == Applies::new_connections ? "new connections" : std::string(to_text(applies));
}

}  // namespace

std::string_view to_text(Applies applies) {
  switch (applies) {
    case Applies::live: return "live";
    case Applies::new_connections: return "new_connections";
    case Applies::restart: break;
  }
  return "restart";
}

Reload::Reload(Applies applies) : words_(words_of(applies)), applies_(applies) {}

Applies Reload::of(const Value& running, const Value& wanted) const {
  return decide_ != nullptr ? decide_(running, wanted) : applies_;
}

}  // namespace holdfast::config
