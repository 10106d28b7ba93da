// config/tables.h: [[name]], a list of tables.
//
// Thread: as table.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/table.h"

namespace holdfast::config {

// Whether it is a change when the same tables stand in another order.
enum class Order : std::uint8_t { any, matters };

// The tables of both are those of one name; the others were added or removed.
template <typename Owner>
void compare_named(const Table<Owner>& table, const std::vector<Owner>& running, const std::vector<Owner>& wanted,
                   std::string Owner::*name, const Comparing& into) {
  const auto before = by_name(running, name);
  const auto after = by_name(wanted, name);
  for (const Owner& each : running) {
    if (!after.contains(each.*name)) into.removed(each.*name);
  }
  for (const Owner& each : wanted) {
    const auto found = before.find(each.*name);
    if (found == before.end()) {
      into.added(each.*name);
    } else if (*found->second != each) {
      compare_tables(table, *found->second, each, into.table(each.*name));
    }
  }
}

template <typename Owner>
void compare_order(const std::vector<Owner>& running, const std::vector<Owner>& wanted, std::string Owner::*name,
                   const Comparing& into) {
  const auto before = by_name(running, name);
  const auto after = by_name(wanted, name);
  into.ordered(common_names(running, after, name), common_names(wanted, before, name));
}

template <typename Owner>
void keep_in_named(const Table<Owner>& table, const std::vector<Owner>& running, std::vector<Owner>& wanted,
                   std::string Owner::*name) {
  const auto before = by_name(running, name);
  for (Owner& each : wanted) {
    const auto found = before.find(each.*name);
    if (found != before.end()) keep_in_table(table, *found->second, each);
  }
}

template <typename Owner>
[[nodiscard]] std::optional<std::vector<Owner>> read_each(const Table<Owner>& table, const Shape& shape,
                                                          const List& list, const Reading& reading,
                                                          std::string Owner::*distinct) {
  std::vector<Owner> owners;
  NameLines lines;
  for (const Value& each : list) {
    read_table(table, shape, each, reading, owners.emplace_back());
    if (distinct != nullptr) check_distinct(each, owners.back().*distinct, reading, lines);
  }
  return owners;
}

// Without the keys that are as they would be without being written.
template <typename Owner>
[[nodiscard]] Value write_short(const Table<Owner>& table, const Owner& owner) {
  Members members;
  for (const Key<Owner>& key : table.keys) {
    auto value = key.write(owner);
    const Value* fallback = key.about.fallback.value();
    const bool needless = value && fallback != nullptr && full_toml(*value) == full_toml(*fallback);
    if (value && !needless) members.push_back({key.about.name, {}, std::move(*value)});
  }
  return {std::move(members)};
}

// [[name]]. The result has an entry for every table of the file, in its order, whether it has faults or not.
// `distinct` is the field of the key "name": no two tables of one array may have the same. Null: they have no names,
// and are compared as one value.
template <typename Owner>
[[nodiscard]] Kind<std::vector<Owner>> tables(Table<Owner> of, Items items,
                                              std::type_identity_t<std::string Owner::*> distinct = nullptr,
                                              Order order = Order::any) {
  using Owners = std::vector<Owner>;
  Kind<Owners> kind{shape_of(of, Shape::Form::tables), nullptr, nullptr};
  const auto table = std::make_shared<const Table<Owner>>(std::move(of));
  kind.read = [=, shape = kind.shape](const Value& value, const Reading& reading) -> std::optional<Owners> {
    const List* list = read_tables(value, reading, items);
    return list != nullptr ? read_each(*table, shape, *list, reading, distinct) : std::nullopt;
  };
  kind.write = [=](const Owners& owners) -> std::optional<Value> {
    List list;
    const auto write = distinct != nullptr ? write_table<Owner> : write_short<Owner>;
    for (const Owner& each : owners) list.push_back(write(*table, each));
    return value_of(std::move(list));
  };
  if (distinct == nullptr) return kind;
  kind.compare = [=](const Owners& running, const Owners& wanted, const Comparing& into) {
    compare_named(*table, running, wanted, distinct, into);
    if (order == Order::matters) compare_order(running, wanted, distinct, into);
  };
  kind.keep = [=](const Owners& running, Owners& wanted) { keep_in_named(*table, running, wanted, distinct); };
  return kind;
}

}  // namespace holdfast::config
