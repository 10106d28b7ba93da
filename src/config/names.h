// config/names.h: choices of a key by the names that a file gives them, for whoever shows them.
//
// Thread: pure. The texts live for ever.
#pragma once

#include <string_view>

#include "config/settings.h"

namespace holdfast::config {

[[nodiscard]] std::string_view name(Policy policy) noexcept;
[[nodiscard]] std::string_view name(OnRemove on_remove) noexcept;

}  // namespace holdfast::config
