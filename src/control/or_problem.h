// control/or_problem.h: what a handler works with, or the problem that it answers instead.
//
// Thread: values.
#pragma once

#include <utility>
#include <variant>

#include "control/http_message.h"

namespace holdfast::control {

// Asking for the one that is not there ends the process.
template <typename T>
class [[nodiscard]] OrProblem {
 public:
  OrProblem(T value) : state_(std::in_place_index<0>, std::move(value)) {}             // NOLINT: implicit on purpose
  OrProblem(Response problem) : state_(std::in_place_index<1>, std::move(problem)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  [[nodiscard]] const Response& problem() const { return std::get<1>(state_); }

 private:
  std::variant<T, Response> state_;
};

}  // namespace holdfast::control
