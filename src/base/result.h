// base/result.h: how a call that can fail says so, without exceptions.
//
// Thread: values; copy and move them freely.
// Cost:   an Error is 16 bytes and never allocates, so it may be made on the data path.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace holdfast::base {

// What went wrong, in the words a caller may want to act on.
enum class Errc : std::uint8_t {
  system,  // an operating system call failed; Error::system_errno says how
  timeout,
  refused,
  reset,
  unreachable,
  exhausted,  // a limit was reached: descriptors, ports, memory, a queue's bound
  malformed,
  not_found,
  exists,
  unsupported,
};

// Whose fault it is.
enum class Side : std::uint8_t { client, backend, internal };

struct Error {
  Errc code = Errc::system;
  Side side = Side::internal;
  int system_errno = 0;    // 0 when no system call was involved
  const char* where = "";  // a literal that names the failed step: "bind", "connect"

  // "bind: Address already in use". For logs and start-up messages, not for the data path.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Error& a, const Error& b) { return a.code == b.code && a.side == b.side; }
};

[[nodiscard]] const char* name(Errc code) noexcept;

// The error of the system call that has just failed, from errno.
[[nodiscard]] Error system_error(const char* where, Side side = Side::internal) noexcept;

// A value or an error: the surface of std::expected that this project uses.
// Asking for the one that is not there is a programming error and ends the process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, error) {}         // NOLINT: implicit on purpose

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return demand_value(), *std::get_if<0>(&state_); }
  T&& operator*() && { return demand_value(), std::move(*std::get_if<0>(&state_)); }
  const T& operator*() const& { return demand_value(), *std::get_if<0>(&state_); }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }
  [[nodiscard]] const Error& error() const {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }

 private:
  void demand_value() const {
    if (!has_value()) std::abort();
  }
  std::variant<T, Error> state_;
};

// A call that yields nothing but may fail.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(error), failed_(true) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] const Error& error() const {
    if (!failed_) std::abort();
    return error_;
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace holdfast::base
