// config/parse.h: a configuration file to settings, or to everything that is wrong with it.
//
// Thread: pure, but for parse_file(), which reads a file and may block on it.
// Limits: 16 MiB of text; nesting as in nesting.h; 1,000 faults.
// Errors: faults, all at once, in the order of the file. A text that is not TOML has one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/fault.h"
#include "config/settings.h"

namespace holdfast::config {

constexpr std::size_t kTextBytesMax = std::size_t{16} << 20;

struct Parsed {
  std::optional<Settings> settings;  // there if, and only if, there are no faults
  std::vector<Fault> faults;
};

// `file_name` is what the faults call the text.
[[nodiscard]] Parsed parse_text(std::string_view text, std::string_view file_name);
[[nodiscard]] Parsed parse_file(const std::string& path);

// The text of a file that a configuration names; of a longer one than is allowed, one byte more than that.
// Errors: those of the operating system.
[[nodiscard]] base::Result<std::string> read_text_file(const std::string& path);

}  // namespace holdfast::config
