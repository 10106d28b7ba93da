// config/kind.h: the kinds of values that keys have, and how they are put together.
//
// A kind reads one value of a file into one typed value, or adds a fault that says what would be right; it writes such
// a value back, and describes itself for the reference. Kinds of endpoints are in endpoint_kinds.h, tables in table.h.
//
// Thread: immutable once made; read() from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "config/comparing.h"
#include "config/reading.h"
#include "config/shape.h"

namespace holdfast::config {

template <typename T>
struct Kind {
  Shape shape;
  // Nothing when the value was refused; then a fault says why.
  std::function<std::optional<T>(const Value&, const Reading&)> read;
  // What read() makes the same value of. Nothing: the key is left out, as with a table that is not there.
  std::function<std::optional<Value>(const T&)> write;
  // Of tables alone, and of a list of them only when they have names: what differs, key by key.
  std::function<void(const T& running, const T& wanted, const Comparing&)> compare = nullptr;
  // The same tables: puts back into `wanted` what a reload cannot change.
  std::function<void(const T& running, T& wanted)> keep = nullptr;
};

using Duration = std::chrono::microseconds;

[[nodiscard]] Kind<bool> boolean();
// A whole number, ends included.
[[nodiscard]] Kind<std::uint32_t> count(std::uint32_t min, std::uint32_t max);
// Text with units, as base/units.h reads it; ends included.
[[nodiscard]] Kind<Duration> duration(Duration min, Duration max);
[[nodiscard]] Kind<Duration> duration_or_zero(Duration min, Duration max);
[[nodiscard]] Kind<base::Bytes> bytes(base::Bytes min, base::Bytes max);
[[nodiscard]] Kind<base::Rate> rate(base::Rate min, base::Rate max);
// 0 as a number is allowed as well.
[[nodiscard]] Kind<base::Rate> rate_or_zero(base::Rate min, base::Rate max);
// Any number, whole or not, ends included; `or_zero` as it says.
[[nodiscard]] Kind<double> real(double min, double max);
[[nodiscard]] Kind<double> real_or_zero(double min, double max);
// Not empty, and without control characters.
[[nodiscard]] Kind<std::string> text(std::size_t bytes_max);
// Whatever TOML can write, line ends included; may be empty.
[[nodiscard]] Kind<std::string> any_text(std::size_t bytes_max);
// Pairs of hexadecimal digits, spaces between them allowed; yields the bytes.
[[nodiscard]] Kind<std::string> hex(std::size_t bytes_max);
// Letters, digits, ".", "_" and "-", at most 64: what may stand in a metric's label, a path and a command.
[[nodiscard]] Kind<std::string> name();

// The index of the choice that `value` names; faults list all of them and the likely one.
[[nodiscard]] std::optional<std::size_t> read_choice(const Value& value, const Reading& reading,
                                                     const std::vector<std::string_view>& names);
[[nodiscard]] Shape choice_shape(const std::vector<std::string_view>& names);

template <typename Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

template <typename Enum>
[[nodiscard]] Kind<Enum> choice(std::vector<Choice<Enum>> choices) {
  std::vector<std::string_view> names;
  for (const Choice<Enum>& each : choices) names.push_back(each.name);
  Shape shape = choice_shape(names);
  auto read = [choices, names](const Value& value, const Reading& reading) -> std::optional<Enum> {
    const auto index = read_choice(value, reading, names);
    return index ? std::optional(choices[*index].value) : std::nullopt;
  };
  auto write = [choices = std::move(choices)](const Enum& value) -> std::optional<Value> {
    const auto found = std::ranges::find(choices, value, &Choice<Enum>::value);
    return value_of(std::string(found->name));
  };
  return {std::move(shape), std::move(read), std::move(write)};
}

// How many items a list has, ends included.
struct Items {
  std::size_t min = 0;
  std::size_t max = 0;
};

// The list in `value`, or null and a fault when it is none or has too few or too many items.
[[nodiscard]] const List* read_list(const Value& value, const Reading& reading, const Shape& item, Items items);
[[nodiscard]] Shape list_shape(const Shape& item, Items items);

template <typename T>
[[nodiscard]] Kind<std::vector<T>> list_of(Kind<T> item, Items items) {
  Shape shape = list_shape(item.shape, items);
  auto write = [item](const std::vector<T>& values) -> std::optional<Value> {
    List list;
    for (const T& each : values) list.push_back(item.write(each).value());
    return value_of(std::move(list));
  };
  auto read = [item = std::move(item), items](const Value& value,
                                              const Reading& reading) -> std::optional<std::vector<T>> {
    const List* list = read_list(value, reading, item.shape, items);
    if (list == nullptr) return std::nullopt;
    std::vector<T> read_items;
    for (const Value& each : *list) {
      if (auto read_item = item.read(each, reading.items())) read_items.push_back(std::move(*read_item));
    }
    return read_items;
  };
  return {std::move(shape), std::move(read), std::move(write)};
}

[[nodiscard]] bool is_empty_text(const Value& value);
[[nodiscard]] Shape or_empty_shape(Shape shape);

// "" is allowed as well and gives an empty value: no text, no list.
template <typename T>
[[nodiscard]] Kind<T> or_empty(Kind<T> kind) {
  Shape shape = or_empty_shape(kind.shape);
  auto write = [write = std::move(kind.write)](const T& value) -> std::optional<Value> {
    return value == T{} ? value_of(std::string()) : write(value);
  };
  auto read = [read = std::move(kind.read)](const Value& value, const Reading& reading) -> std::optional<T> {
    return is_empty_text(value) ? std::optional<T>(T{}) : read(value, reading);
  };
  return {std::move(shape), std::move(read), std::move(write)};
}

// "" is allowed as well and means that there is none.
template <typename T>
[[nodiscard]] Kind<std::optional<T>> optional_of(Kind<T> kind) {
  Shape shape = or_empty_shape(kind.shape);
  auto write = [write = std::move(kind.write)](const std::optional<T>& value) -> std::optional<Value> {
    return value ? write(*value) : value_of(std::string());
  };
  auto read = [read = std::move(kind.read)](const Value& value,
                                            const Reading& reading) -> std::optional<std::optional<T>> {
    using Outer = std::optional<std::optional<T>>;
    if (is_empty_text(value)) return Outer(std::in_place, std::nullopt);
    auto inner = read(value, reading);
    return inner ? Outer(std::in_place, std::move(inner)) : std::nullopt;
  };
  return {std::move(shape), std::move(read), std::move(write)};
}

}  // namespace holdfast::config
