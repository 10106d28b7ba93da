// holdfast.toml(5).
#include <fmt/format.h>

#include <iterator>

#include "config/reference.h"
#include "config/reference_text.h"
#include "config/schema.h"
#include "config/troff.h"

namespace holdfast::config {
namespace {

constexpr std::string_view kHead = R"(.\" Made by `holdfast check \-\-man` from src/config; do not edit.
.TH HOLDFAST.TOML 5 "" Holdfast "File formats"
.SH NAME
holdfast.toml \- what Holdfast listens on, and where it relays to
.SH DESCRIPTION
)";

constexpr std::string_view kTail = R"(.SH SEE ALSO
.BR holdfast (1)
)";

void append_key(std::string& page, const KeyShape& key) {
  std::string about = fmt::format("{}. ", key.shape.type);
  about += key.fallback.is_required() ? "Required. " : fmt::format("Default: {}. ", key.fallback.text());
  if (!key.shape.range.empty()) about += fmt::format("Range: {}. ", key.shape.range);
  fmt::format_to(std::back_inserter(about), "Reload: {}.", key.reload.words());
  about.front() =
      static_cast<char>(about.front() >= 'a' && about.front() <= 'z' ? about.front() - 'a' + 'A' : about.front());
  append_term(page, fmt::format("`{}`", key.name), key.effect);
  fmt::format_to(std::back_inserter(page), ".br\n{}\n", troff_text(about));
}

// A tree as deep as the schema, which is made at compile time.
void append_sections(std::string& page, const TableShape& parent, std::string_view path) {
  for (const KeyShape& section : parent.keys) {
    if (section.shape.table == nullptr) continue;
    const std::string inner = join(path, section.name);
    fmt::format_to(std::back_inserter(page), ".SS {}\n{}\n", heading(inner, section.shape.form),
                   troff_text(section.effect));
    for (const KeyShape& key : section.shape.table->keys) {
      if (key.shape.table == nullptr) append_key(page, key);
    }
    append_sections(page, *section.shape.table, inner);
  }
}

}  // namespace

std::string reference_man() {
  std::string page = std::string(kHead) + troff_of(reference_introduction());
  page += ".SH SECTIONS AND KEYS\n";
  append_sections(page, *schema().shape.table, "");
  page += ".SH EXAMPLE\n";
  append_code(page, example_file());
  return page.append(kTail);
}

}  // namespace holdfast::config
