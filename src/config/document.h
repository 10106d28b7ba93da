// config/document.h: a TOML text as a tree of values that know where they were written.
//
// Thread: values. The rest of the room reads this tree; only toml_reader.cc knows the TOML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/fault.h"

namespace holdfast::config {

struct Value;
struct Member;
using List = std::vector<Value>;
using Members = std::vector<Member>;
struct Moment {};  // a date or a time: TOML has them, no key wants one

struct Value {
  std::variant<std::string, std::int64_t, double, bool, Moment, List, Members> content;
  Position position = {};

  template <typename T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&content);
  }
  // The value that `key` has in this table, or null, also when this is no table.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
};

struct Member {
  std::string key;
  Position key_position;
  Value value;
};

// A value that stands in no file. It is made in its place: g++ 12 takes the moved variant for uninitialized where it is
// inlined under sanitizers.
template <typename T>
[[nodiscard]] std::optional<Value> value_of(T content) {
  std::optional<Value> value(std::in_place);
  value->content = std::move(content);
  return value;
}

// As a fault shows text that a user wrote: in quotes, on one line, without control characters, at most 80 bytes.
[[nodiscard]] std::string quoted(std::string_view text);
// The same for text that needs no quotes, such as the words of the TOML library.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

// "the number 5", "the text "abc"": what was found where something else was wanted.
[[nodiscard]] std::string describe(const Value& value);

// As it is written in a file: "10s" in quotes, 5, true, []. For people: long text is cut, tables are left out.
[[nodiscard]] std::string to_toml(const Value& value);
// The same in full: what read_toml() reads back as the same value, where it stands behind a "key = ".
[[nodiscard]] std::string full_toml(const Value& value);

}  // namespace holdfast::config
