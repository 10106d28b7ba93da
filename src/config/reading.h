// config/reading.h: the place in the file that is being read: what to call it in a fault, and where faults go.
//
// Thread: one owner, for the time of one call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/fault.h"

namespace holdfast::config {

class Reading {
 public:
  explicit Reading(Faults& faults) : faults_(faults) {}

  // The same for a key of this table, and for the items of this list.
  [[nodiscard]] Reading key(std::string_view name) const;
  [[nodiscard]] Reading items() const;

  [[nodiscard]] const std::string& path() const { return path_; }        // "pool.server"
  [[nodiscard]] const std::string& subject() const { return subject_; }  // "`server`"

  // Adds "`key` must be `wanted`; found ..." at the value. Returns nothing, so that a reader can return it.
  std::nullopt_t refuse(const Value& value, std::string_view wanted) const;
  void fault(Position position, std::string text) const { faults_.add(position, std::move(text)); }

 private:
  Reading(Faults& faults, std::string path, std::string subject)
      : faults_(faults), path_(std::move(path)), subject_(std::move(subject)) {}

  Faults& faults_;
  std::string path_;
  std::string subject_;
};

}  // namespace holdfast::config
