#include "config/reading.h"

#include <fmt/format.h>

#include "config/shape.h"

namespace holdfast::config {

Reading Reading::key(std::string_view name) const { return {faults_, join(path_, name), fmt::format("`{}`", name)}; }

Reading Reading::items() const { return {faults_, path_, "each item of " + subject_}; }

std::nullopt_t Reading::refuse(const Value& value, std::string_view wanted) const {
  faults_.add(value.position, fmt::format("{} must be {}; found {}", subject_, wanted, describe(value)));
  return std::nullopt;
}

}  // namespace holdfast::config
