#include "config/reference.h"

#include <fmt/format.h>

#include <iterator>

#include "config/reference_text.h"
#include "config/schema.h"

namespace holdfast::config {
namespace {

// A "|" would end the cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

void append_row(std::string& page, const KeyShape& key) {
  fmt::format_to(std::back_inserter(page), "| `{}` | {} | {} | {} | {} | {} |\n", key.name, cell(key.shape.type),
                 cell(key.fallback.text()), cell(key.shape.range), cell(key.reload.words()), cell(key.effect));
}

void append_keys(std::string& page, const TableShape& table) {
  page += "| key | type | default | range | reload | effect |\n|---|---|---|---|---|---|\n";
  for (const KeyShape& key : table.keys) {
    if (key.shape.form == Shape::Form::value) append_row(page, key);
  }
}

void append_sections(std::string& page, const TableShape& parent, std::string_view path);

void append_section(std::string& page, const KeyShape& key, std::string_view parent_path) {
  const std::string path = join(parent_path, key.name);
  const char* needed = key.fallback.is_required() ? " At least one is needed." : "";
  fmt::format_to(std::back_inserter(page), "\n### `{}`\n\n{}{}\n\n", heading(path, key.shape.form), key.effect, needed);
  append_keys(page, *key.shape.table);
  append_sections(page, *key.shape.table, path);
}

// A tree as deep as the schema, which is made at compile time.
void append_sections(std::string& page, const TableShape& parent, std::string_view path) {
  for (const KeyShape& key : parent.keys) {
    if (key.shape.form != Shape::Form::value) append_section(page, key, path);
  }
}

}  // namespace

std::string reference_markdown() {
  std::string page =
      fmt::format("{}\n## Example\n\n```toml\n{}```\n\n## Sections\n", reference_introduction(), example_file());
  append_sections(page, *schema().shape.table, "");
  return page;
}

}  // namespace holdfast::config
