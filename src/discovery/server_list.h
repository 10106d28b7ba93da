// discovery/server_list.h: the text of a list of servers to the list, or to everything that is wrong with it.
//
// Thread: pure. Cost: one pass over the text. Limits: 65,535 servers, 32 brackets inside each other; the size is the
//         caller's to bound. Errors: faults, all at once, in the order of the text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault.h"
#include "discovery/source.h"

namespace holdfast::discovery {

enum class Format : std::uint8_t { json, toml };

// By the extension; nothing when it is neither .json nor .toml.
[[nodiscard]] std::optional<Format> format_of(const std::filesystem::path& path);

struct ServerListText {
  std::optional<Endpoints> list;  // there if, and only if, there are no faults; may be without servers
  std::vector<config::Fault> faults;
};

// `name` is what the faults call the text.
[[nodiscard]] ServerListText read_server_list(std::string_view text, Format format, std::string_view name);

// Stands for the content of `text`: 16 hexadecimal digits (FNV-1a, 64 bits). To tell versions apart, not to trust them.
[[nodiscard]] std::string content_version(std::string_view text);

// "edge.json:3:7: ... (and 2 more faults)": the first fault, on one line. There must be one.
[[nodiscard]] std::string summary(const std::vector<config::Fault>& faults);

}  // namespace holdfast::discovery
