// config/reference.h: docs/CONFIGURATION.md, made from the schema, so that the two cannot differ.
//
// Thread: pure.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::config {

// The whole page, in Markdown: how to read a file, an example, and every section with its keys.
[[nodiscard]] std::string reference_markdown();

// A complete file that parses without faults and shows the sections at work.
[[nodiscard]] std::string_view example_file();

}  // namespace holdfast::config
