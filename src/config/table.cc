#include "config/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/suggest.h"

namespace holdfast::config {
namespace {

using Form = Shape::Form;

Form written_form(const Value& value) {
  if (value.as<Members>() != nullptr) return Form::table;
  const List* list = value.as<List>();
  const bool tables = list != nullptr && !list->empty() && list->front().as<Members>() != nullptr;
  return tables ? Form::tables : Form::value;
}

// A key as a fault shows it: "`name`", or its heading.
std::string shown(std::string_view path, std::string_view key, Form form) {
  if (form == Form::value) return fmt::format("`{}`", printable(key, 80));
  return heading(join(path, printable(key, 80)), form);
}

// "tls_cert_file" as "tls", "cert", "file".
std::vector<std::string_view> parts_of(std::string_view key) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = key.find_first_of("_-");
    parts.push_back(key.substr(0, end));
    if (end == std::string_view::npos) return parts;
    key.remove_prefix(end + 1);
  }
}

bool share_a_part(std::string_view a, std::string_view b) {
  const auto of_a = parts_of(a);
  return std::ranges::any_of(parts_of(b), [&](std::string_view part) {
    return part.size() > 2 && std::ranges::find(of_a, part) != of_a.end();
  });
}

std::vector<std::string_view> names_of(const TableShape& table) {
  std::vector<std::string_view> names;
  for (const KeyShape& key : table.keys) names.push_back(key.name);
  return names;
}

// The keys that there are. Of many, those that are most like `word`: that share a part between "_" with it, and then
// those that it takes the fewest slips to come to.
std::string keys_like(std::string_view word, const TableShape& table, std::string_view path) {
  constexpr std::size_t kShownMax = 10;
  std::vector<const KeyShape*> near;
  for (const KeyShape& key : table.keys) near.push_back(&key);
  const std::size_t others = near.size() > kShownMax ? near.size() - kShownMax : 0;
  if (others > 0) {
    std::ranges::stable_sort(near, {}, [word](const KeyShape* key) {
      return std::pair(!share_a_part(word, key->name), typing_distance(word, key->name));
    });
    near.resize(kShownMax);
  }
  std::vector<std::string> keys;
  for (const KeyShape* key : near) keys.push_back(shown(path, key->name, key->shape.form));
  const std::string more = others > 0 ? fmt::format(" and {} others: `holdfast check --reference`", others) : "";
  return fmt::format("there are {}{}", fmt::join(keys, ", "), more);
}

bool means_tls(std::string_view word) {
  constexpr std::array<std::string_view, 13> kWords = {"tls",     "ssl",         "wss",          "mqtts",  "cert",
                                                       "certs",   "certificate", "certificates", "cafile", "certfile",
                                                       "keyfile", "ciphers",     "key"};
  const auto parts = parts_of(word);
  return std::ranges::any_of(parts,
                             [&](std::string_view part) { return std::ranges::find(kWords, part) != kWords.end(); });
}

std::string hint_for(std::string_view word, const KeyShape* meant, const TableShape& table, std::string_view path) {
  if (meant != nullptr) return fmt::format("did you mean {}?", shown(path, meant->name, meant->shape.form));
  if (means_tls(word)) return "there is no TLS yet: what stands in front, such as HAProxy, has to do it";
  return keys_like(word, table, path);
}

std::string place_of(std::string_view path, Form form) {
  return path.empty() ? " outside all sections" : " in " + heading(path, form);
}

const char* noun(Form form) { return form == Form::value ? "key" : "section"; }

// Returns the key that was most likely meant, or null.
const KeyShape* add_unknown(const Member& member, const Reading& reading, const Shape& shape) {
  const auto names = names_of(*shape.table);
  const auto index = closest(member.key, names);
  const KeyShape* meant = index ? &shape.table->keys[*index] : nullptr;
  const Form form = written_form(member.value);
  const std::string hint = hint_for(member.key, meant, *shape.table, reading.path());
  const std::string place = form == Form::value ? place_of(reading.path(), shape.form) : "";
  reading.fault(member.key_position,
                fmt::format("unknown {} {}{}; {}", noun(form), shown(reading.path(), member.key, form), place, hint));
  return meant;
}

void add_missing(const Value& table, const KeyShape& key, const Reading& reading, const Shape& shape) {
  const std::string what = shown(reading.path(), key.name, key.shape.form);
  const std::string right = key.shape.form == Form::value ? "it must be " + key.shape.wanted : "at least one is needed";
  reading.fault(table.position, fmt::format("{} has no {}; {}", heading(reading.path(), shape.form), what, right));
}

}  // namespace

Shape table_shape(std::vector<KeyShape> keys, Form form) {
  return {"table", "a table", "", form, std::make_shared<const TableShape>(TableShape{std::move(keys)})};
}

const Members* read_members(const Value& value, const Reading& reading, const Shape& shape) {
  const Members* members = value.as<Members>();
  if (members == nullptr) {
    reading.refuse(value, fmt::format("a table, written {}", heading(reading.path(), shape.form)));
    return nullptr;
  }
  std::vector<const KeyShape*> meant;  // a mistyped key is not missing as well
  const auto names = names_of(*shape.table);
  for (const Member& member : *members) {
    if (std::ranges::find(names, member.key) == names.end()) meant.push_back(add_unknown(member, reading, shape));
  }
  for (const KeyShape& key : shape.table->keys) {
    const bool missing = key.fallback.is_required() && value.find(key.name) == nullptr;
    if (missing && std::ranges::find(meant, &key) == meant.end()) add_missing(value, key, reading, shape);
  }
  return members;
}

const List* read_tables(const Value& value, const Reading& reading, Items items) {
  const List* list = value.as<List>();
  const std::string written = heading(reading.path(), Form::tables);
  if (list == nullptr) {
    reading.refuse(value, fmt::format("an array of tables, each written {}", written));
    return nullptr;
  }
  if (list->size() >= items.min && list->size() <= items.max) return list;
  reading.fault(value.position,
                fmt::format("{} must be there {} to {} times; found {}", written, items.min, items.max, list->size()));
  return nullptr;
}

void check_distinct(const Value& table, std::string_view name, const Reading& reading, NameLines& lines) {
  if (name.empty()) return;  // it has a fault already
  const Value* written = table.find("name");
  const Position position = written != nullptr ? written->position : table.position;
  const auto [first, is_new] = lines.try_emplace(std::string(name), position);
  if (is_new) return;
  reading.fault(position, fmt::format("the name {} is taken by the {} at line {}; names must differ", quoted(name),
                                      heading(reading.path(), Form::tables), first->second.line));
}

}  // namespace holdfast::config
