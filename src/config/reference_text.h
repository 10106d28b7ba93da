// config/reference_text.h: the hand-written part of the reference.
//
// Thread: pure.
#pragma once

#include <string_view>

namespace holdfast::config {

// How to read a configuration, and the types of values, in Markdown.
[[nodiscard]] std::string_view reference_introduction();

}  // namespace holdfast::config
