// config/table.h: tables of keys, the way a section of the file becomes a struct.
//
// A Table<Owner> lists keys, each with its kind and the field of Owner it fills. It becomes a Kind like any other, so
// tables nest: table() is [name]; tables.h has [[name]].
//
// Thread: immutable once made.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/kind.h"

namespace holdfast::config {

// One key: what it is called, what may stand there, where it goes, what it is when left out, how a reload brings it,
// and what it does.
template <typename Owner>
struct Key {
  template <typename T>
  Key(std::string name, Kind<T> kind, T Owner::*field, Default fallback, Reload reload, std::string effect)
      : about{std::move(name), std::move(kind.shape), std::move(fallback), std::move(reload), std::move(effect)} {
    assign = [read = std::move(kind.read), field](const Value& value, const Reading& reading, Owner& owner) {
      if (auto result = read(value, reading)) owner.*field = std::move(*result);
    };
    compare = comparer(kind, field);
    keep = keeper(kind, field);
    write = [write = std::move(kind.write), field](const Owner& owner) { return write(owner.*field); };
  }

  // A key of what Owner is derived from.
  template <typename Base>
  requires(std::is_base_of_v<Base, Owner> && !std::is_same_v<Base, Owner>) Key(Key<Base> of)
      : about(std::move(of.about)),
        assign(std::move(of.assign)),
        write(std::move(of.write)),
        compare(std::move(of.compare)),
        keep(std::move(of.keep)) {}

  KeyShape about;
  std::function<void(const Value&, const Reading&, Owner&)> assign;
  std::function<std::optional<Value>(const Owner&)> write;
  // Both are called with this key's `about`.
  std::function<void(const KeyShape&, const Owner& running, const Owner& wanted, const Comparing&)> compare;
  std::function<void(const KeyShape&, const Owner& running, Owner& wanted)> keep;

 private:
  template <typename T>
  static auto comparer(const Kind<T>& kind, T Owner::*field) {
    return [write = kind.write, compare = kind.compare, field](const KeyShape& key, const Owner& running,
                                                               const Owner& wanted, const Comparing& into) {
      if (running.*field == wanted.*field) return;
      if (compare) return compare(running.*field, wanted.*field, into.at(key));
      into.at(key).changed(write(running.*field), write(wanted.*field));
    };
  }

  // Of tables that need a restart nothing is brought, so that none is added or removed either.
  template <typename T>
  static auto keeper(const Kind<T>& kind, T Owner::*field) {
    return [write = kind.write, keep = kind.keep, field](const KeyShape& key, const Owner& running, Owner& wanted) {
      if (running.*field == wanted.*field) return;
      const Value nothing{Members{}};
      const bool restart = keep ? key.reload.of(nothing, nothing) == Applies::restart
                                : key.reload.of(write(running.*field).value_or(nothing),
                                                write(wanted.*field).value_or(nothing)) == Applies::restart;
      if (restart) {
        wanted.*field = running.*field;
      } else if (keep) {
        keep(running.*field, wanted.*field);
      }
    };
  }
};

template <typename Owner>
struct Table {
  std::vector<Key<Owner>> keys;
  // Fills in what is derived from other keys.
  std::function<void(Owner&)> complete = nullptr;

  // More keys behind those that it has: its own, or some that several sections have alike.
  Table& add(std::vector<Key<Owner>> more) { return add<Owner>(std::move(more)); }
  template <typename Part>
  Table& add(std::vector<Key<Part>> more) {
    for (Key<Part>& key : more) keys.emplace_back(std::move(key));
    return *this;
  }
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

template <typename Owner>
[[nodiscard]] Value write_table(const Table<Owner>& table, const Owner& owner) {
  Members members;
  for (const Key<Owner>& key : table.keys) {
    if (auto value = key.write(owner)) members.push_back({key.about.name, {}, std::move(*value)});
  }
  return {std::move(members)};
}

template <typename Owner>
void compare_tables(const Table<Owner>& table, const Owner& running, const Owner& wanted, const Comparing& into) {
  for (const Key<Owner>& key : table.keys) key.compare(key.about, running, wanted, into);
}

template <typename Owner>
void keep_in_table(const Table<Owner>& table, const Owner& running, Owner& wanted) {
  for (const Key<Owner>& key : table.keys) key.keep(key.about, running, wanted);
}

// [name]
template <typename Owner>
[[nodiscard]] Kind<Owner> table(Table<Owner> of) {
  Kind<Owner> kind{shape_of(of, Shape::Form::table), nullptr, nullptr};
  const auto table = std::make_shared<const Table<Owner>>(std::move(of));
  kind.read = [table, shape = kind.shape](const Value& value, const Reading& reading) -> std::optional<Owner> {
    Owner owner{};
    read_table(*table, shape, value, reading, owner);
    return owner;
  };
  kind.write = [table](const Owner& owner) -> std::optional<Value> { return write_table(*table, owner); };
  kind.compare = [table](const Owner& running, const Owner& wanted, const Comparing& into) {
    compare_tables(*table, running, wanted, into.table());
  };
  kind.keep = [table](const Owner& running, Owner& wanted) { keep_in_table(*table, running, wanted); };
  return kind;
}

// [name] that may be missing: then there is none, and none of its defaults count. Its Default is kNoTable.
template <typename Owner>
[[nodiscard]] Kind<std::optional<Owner>> optional_table(Table<Owner> from) {
  using Maybe = std::optional<Owner>;
  Kind<Owner> of = table(std::move(from));
  Kind<Maybe> kind{of.shape, nullptr, nullptr};
  kind.read = [read = of.read](const Value& value, const Reading& reading) -> std::optional<Maybe> {
    return std::optional<Maybe>(std::in_place, read(value, reading));
  };
  kind.write = [write = of.write](const Maybe& owner) { return owner ? write(*owner) : std::nullopt; };
  kind.compare = [compare = of.compare](const Maybe& running, const Maybe& wanted, const Comparing& into) {
    if (running && wanted) return compare(*running, *wanted, into);
    running ? into.removed("") : into.added("");
  };
  kind.keep = [keep = of.keep](const Maybe& running, Maybe& wanted) {
    if (running && wanted) keep(*running, *wanted);
  };
  return kind;
}

}  // namespace holdfast::config
