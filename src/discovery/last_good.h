// discovery/last_good.h: the last good list of a source, kept on disk for a start at which the source cannot be read.
//
// The copy is JSON in the format of a watched file, with two more keys, `source` and `applied_at` (seconds since 1970).
//
// Thread: any; everything here can block on the disk. Limits: 64 MiB.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "discovery/source.h"

namespace holdfast::discovery {

struct LastGood {
  std::string source;  // as SourceStatus has it
  Endpoints list;
  std::chrono::system_clock::time_point applied_at;
};

struct LastGoodCopy {
  std::optional<LastGood> last_good;
  std::string error;  // one line; empty: there is a copy, or there never was one
};

// The copy as a text, and back. Pure. `name` is what an error calls the text.
[[nodiscard]] std::string to_text(const LastGood& last_good);
[[nodiscard]] LastGoodCopy parse_last_good(std::string_view text, std::string_view name);

// Replaces the copy at `path` as a whole, for its owner's eyes only, and makes its directory. What was there before
// stays when this fails.
[[nodiscard]] base::Result<void> keep(const std::filesystem::path& path, const LastGood& last_good);

[[nodiscard]] LastGoodCopy read_last_good(const std::filesystem::path& path);

}  // namespace holdfast::discovery
