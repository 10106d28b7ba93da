// apps/holdfast/client/complete.h: what may stand at the end of a command line, out of the commands as main.cc adds
// them.
//
// Thread: pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace holdfast::app {

struct Candidate {
  std::string text;
  std::string about;
};

// What the last word of a command line can become.
struct Completion {
  std::vector<Candidate> candidates;
  std::string kind;     // of the value that is asked for, as the help names it: "FILE", "POOL", "POOL/NAME"; or empty
  std::string prefix;   // of every candidate: "--sort=" where the value stands in the same word
  std::string current;  // what is there of the value
};

// `words` are those after the program's name; the last one is being typed and may be empty.
[[nodiscard]] Completion complete(const CLI::App& program, const std::vector<std::string>& words);

// The last value that a line gives an option: value_of(words, "--socket"); empty when there is none.
[[nodiscard]] std::string value_of(const std::vector<std::string>& words, const std::string& option);

}  // namespace holdfast::app
