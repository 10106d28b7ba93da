// apps/holdfast/man_page.h: holdfast(1), out of the same texts as --help.
//
// Thread: pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace holdfast::app {

// Options of every command that asks a running process: told once in the page, and apart in the help of a command.
inline constexpr const char* kProcessOptions = "Which process";

// Those of every command that talks to an MQTT broker; as above.
inline constexpr const char* kBrokerOptions = "Which broker, and as whom";

// In the language of man(7).
[[nodiscard]] std::string man_page(const CLI::App& program);

}  // namespace holdfast::app
