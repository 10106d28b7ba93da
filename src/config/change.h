// config/change.h: one thing that is not as it was: what differs between two configurations.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/applies.h"

namespace holdfast::config {

// A section and what it is called: {"pool", "brokers"}; {"node", ""} where there is one only.
struct Name {
  std::string section;
  std::string name;
  friend bool operator==(const Name&, const Name&) = default;
};

struct Change {
  enum class Kind : std::uint8_t { added, removed, changed };

  Kind kind = Kind::changed;
  std::vector<Name> where;  // from the outside: {"pool", "brokers"}, {"server", "b1"}
  std::string key;          // of what changed: "weight", "health.interval"; empty for what was added and removed
  // As a file has it. Of a list of more than 8 items, what the other one does not have.
  std::string from;
  std::string to;
  Applies applies = Applies::live;
  friend bool operator==(const Change&, const Change&) = default;
};

[[nodiscard]] std::string to_text(Change::Kind kind);
// "pool brokers, server b1": what has changed.
[[nodiscard]] std::string place_of(const Change& change);
// "pool brokers, server b1: weight 100 -> 50", "listener mqtt: added".
[[nodiscard]] std::string to_text(const Change& change);

}  // namespace holdfast::config
