// config/comparing.h: the place in two configurations that is being compared, and where what differs goes.
//
// The counterpart of reading.h: kinds and tables walk down with it, and it knows what to call what they find.
//
// Thread: one owner, for the time of one call.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/change.h"
#include "config/shape.h"

namespace holdfast::config {

class Comparing {
 public:
  explicit Comparing(std::vector<Change>& found) : found_(&found) {}

  // The value of `key`, which must outlive what is made here.
  [[nodiscard]] Comparing at(const KeyShape& key) const;
  // Into the table [key]. In the file that is a section; further in, its keys are called "health.interval".
  [[nodiscard]] Comparing table() const;
  // Into the table [[key]] of that name.
  [[nodiscard]] Comparing table(const std::string& name) const;

  // A table that only one of the two has; `name` is empty for [key].
  void added(const std::string& name) const { add_table(Change::Kind::added, name); }
  void removed(const std::string& name) const { add_table(Change::Kind::removed, name); }
  // Nothing: the key is not written; it is shown as what the reference says of it then.
  void changed(const std::optional<Value>& running, const std::optional<Value>& wanted) const;
  // The names that both have, in the order of each. Nothing happens when that is the same.
  void ordered(const std::vector<std::string_view>& running, const std::vector<std::string_view>& wanted) const;

 private:
  void add_table(Change::Kind kind, const std::string& name) const;

  std::vector<Change>* found_;
  const KeyShape* key_ = nullptr;  // none: the file as a whole
  std::vector<Name> where_;
  std::string prefix_;  // "health." in a [pool.health]
};

// The places of `owners` by name.
template <typename Owner>
using ByName = std::unordered_map<std::string_view, const Owner*>;

template <typename Owner>
[[nodiscard]] ByName<Owner> by_name(const std::vector<Owner>& owners, std::string Owner::*name) {
  ByName<Owner> found;
  for (const Owner& each : owners) found.emplace(each.*name, &each);
  return found;
}

// The names of those owners that `others` have as well, in their order.
template <typename Owner>
[[nodiscard]] std::vector<std::string_view> common_names(const std::vector<Owner>& owners, const ByName<Owner>& others,
                                                         std::string Owner::*name) {
  std::vector<std::string_view> names;
  for (const Owner& each : owners) {
    if (others.contains(each.*name)) names.push_back(each.*name);
  }
  return names;
}

}  // namespace holdfast::config
