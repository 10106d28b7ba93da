// config/table.h: tables of keys, the way a section of the file becomes a struct.
//
// A Table<Owner> lists keys, each with its kind and the field of Owner it fills. It becomes a Kind like any other, so
// tables nest: table() is [name], tables() is [[name]].
//
// Thread: immutable once made.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/kind.h"

namespace holdfast::config {

// One key: what it is called, what may stand there, where it goes, what it is when left out, and what it does.
template <typename Owner>
struct Key {
  template <typename T>
  Key(std::string name, Kind<T> kind, T Owner::*field, Default fallback, std::string effect)
      : about{std::move(name), std::move(kind.shape), std::move(fallback), std::move(effect)},
        assign([read = std::move(kind.read), field](const Value& value, const Reading& reading, Owner& owner) {
          if (auto result = read(value, reading)) owner.*field = std::move(*result);
        }) {}

  KeyShape about;
  std::function<void(const Value&, const Reading&, Owner&)> assign;
};

template <typename Owner>
struct Table {
  std::vector<Key<Owner>> keys;
  // Fills in what is derived from other keys.
  std::function<void(Owner&)> complete = nullptr;
};

[[nodiscard]] Shape table_shape(std::vector<KeyShape> keys, Shape::Form form);

// The members of the table in `value`, or null and a fault. Faults: no table, unknown keys, required keys missing.
[[nodiscard]] const Members* read_members(const Value& value, const Reading& reading, const Shape& shape);
// The same for an array of tables.
[[nodiscard]] const List* read_tables(const Value& value, const Reading& reading, Items items);

// Adds a fault when `name` was used before in the same array; `lines` remembers where.
using NameLines = std::map<std::string, Position, std::less<>>;
void check_distinct(const Value& table, std::string_view name, const Reading& reading, NameLines& lines);

// Fills `owner` from a table. Fields whose keys have faults stay as they were.
template <typename Owner>
void read_table(const Table<Owner>& table, const Shape& shape, const Value& value, const Reading& reading,
                Owner& owner) {
  if (read_members(value, reading, shape) == nullptr) return;
  for (const Key<Owner>& key : table.keys) {
    const Value* written = value.find(key.about.name);
    if (written == nullptr) written = key.about.fallback.value();
    if (written != nullptr) key.assign(*written, reading.key(key.about.name), owner);
  }
  if (table.complete) table.complete(owner);
}

template <typename Owner>
[[nodiscard]] Shape shape_of(const Table<Owner>& table, Shape::Form form) {
  std::vector<KeyShape> keys;
  for (const Key<Owner>& key : table.keys) keys.push_back(key.about);
  return table_shape(std::move(keys), form);
}

// [name]
template <typename Owner>
[[nodiscard]] Kind<Owner> table(Table<Owner> table) {
  Shape shape = shape_of(table, Shape::Form::table);
  auto read = [table = std::move(table), shape](const Value& value, const Reading& reading) -> std::optional<Owner> {
    Owner owner{};
    read_table(table, shape, value, reading, owner);
    return owner;
  };
  return {std::move(shape), std::move(read)};
}

// [name] that may be missing: then there is none, and none of its defaults count. Its Default is kNoTable.
template <typename Owner>
[[nodiscard]] Kind<std::optional<Owner>> optional_table(Table<Owner> from) {
  Kind<Owner> kind = table(std::move(from));
  auto read = [read = std::move(kind.read)](const Value& value,
                                            const Reading& reading) -> std::optional<std::optional<Owner>> {
    return std::optional<std::optional<Owner>>(std::in_place, read(value, reading));
  };
  return {std::move(kind.shape), std::move(read)};
}

// [[name]]. The result has an entry for every table of the file, in its order, whether it has faults or not.
// `distinct` is the field of the key "name": no two tables of one array may have the same. Null: they have no names.
template <typename Owner>
[[nodiscard]] Kind<std::vector<Owner>> tables(Table<Owner> table, Items items, std::string Owner::*distinct = nullptr) {
  Shape shape = shape_of(table, Shape::Form::tables);
  auto read = [table = std::move(table), shape, items, distinct](
                  const Value& value, const Reading& reading) -> std::optional<std::vector<Owner>> {
    const List* list = read_tables(value, reading, items);
    if (list == nullptr) return std::nullopt;
    std::vector<Owner> owners;
    NameLines lines;
    for (const Value& each : *list) {
      read_table(table, shape, each, reading, owners.emplace_back());
      if (distinct != nullptr) check_distinct(each, owners.back().*distinct, reading, lines);
    }
    return owners;
  };
  return {std::move(shape), std::move(read)};
}

}  // namespace holdfast::config
