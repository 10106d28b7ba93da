// config/reference.h: docs/CONFIGURATION.md and holdfast.toml(5), made from the schema, so that they cannot differ.
//
// Thread: pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::config {

// The whole page, in Markdown: how to read a file, an example, and every section with its keys.
[[nodiscard]] std::string reference_markdown();

// The same for man(1): holdfast.toml(5). It has no date, so that the same source always gives the same page.
[[nodiscard]] std::string reference_man();

// A complete file that parses without faults and shows the sections at work.
[[nodiscard]] std::string_view example_file();

}  // namespace holdfast::config
