// discovery/first_look.h: reading a file for the first time, with nothing known of it yet.
//
// Thread: any but the control thread: it sleeps, and can block on a network file system.
#pragma once

#include <filesystem>

#include "discovery/settling.h"
#include "discovery/source_file.h"

namespace holdfast::discovery {

inline constexpr const char* kRestless = "it changes without a pause";

// Reads the file at once when it was last changed long enough ago, by its own time stamp; otherwise when it has
// settled. Takes at most `limits.restless` beside what the file system takes.
[[nodiscard]] SourceText first_look(const std::filesystem::path& path, Settling::Limits limits);

}  // namespace holdfast::discovery
