// config/troff.h: pages for man(1), from the Markdown that the reference is written in.
//
// Thread: pure. Source: man(7) of groff 1.22; mandoc reads the same.
// Limits: the Markdown that reference_text.cc has: headings, paragraphs, fenced code, tables, `code`, [links](to).
#pragma once

#include <string>
#include <string_view>

namespace holdfast::config {

// Text in a line: what troff takes for its own is escaped, `code` is bold, and a link is followed by where it leads.
[[nodiscard]] std::string troff_text(std::string_view markdown);

void append_paragraph(std::string& page, std::string_view markdown);
// Lines as they are.
void append_code(std::string& page, std::string_view lines);
// A word, or several, and below it, indented, what there is to say of it.
void append_term(std::string& page, std::string_view term, std::string_view markdown);

// A whole text. The title "# ..." and comments are left out; "## ..." starts a section of the page; of a table each row
// becomes a term, the first cell, and what the others say.
[[nodiscard]] std::string troff_of(std::string_view markdown);

}  // namespace holdfast::config
