// apps/holdfast/client/pace.h: the options that say how quickly a drain goes.
//
// Thread: the main one of a command.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <string>

namespace holdfast::app {

// As the API takes them. Checked while the command line is read.
struct Pace {
  std::string rate;
  std::string deadline;
};

void add_pace(CLI::App& command, Pace& pace);
void add_to(boost::json::object& body, const Pace& pace);

// Checks of options: texts that base/units.h reads.
[[nodiscard]] std::string check_rate(const std::string& text);
[[nodiscard]] std::string check_duration(const std::string& text);

}  // namespace holdfast::app
