#include "config/troff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>
#include <vector>

namespace holdfast::config {
namespace {

constexpr std::string_view kFence = "```";

// groff_char(7): what it would print as something else.
std::string_view escaped(const char& c) {
  switch (c) {
    case '\\': return "\\e";
    case '-': return "\\-";
    case '~': return "\\(ti";
    case '^': return "\\(ha";
    case '`': return "\\(ga";
    case '\'': return "\\(aq";
    default: return {&c, 1};
  }
}

// A line must not begin as a request does.
std::string guarded(std::string line) {
  if (line.starts_with('.')) line.insert(0, "\\&");
  return line;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Below a heading, and at the start, a paragraph begins by itself.
std::string_view paragraph_mark(std::string_view page) {
  if (page.ends_with('\n')) page.remove_suffix(1);
  const std::string_view last_line = page.substr(page.rfind('\n') + 1);
  return page.empty() || last_line.starts_with(".S") ? "" : ".PP\n";
}

// "[name](place)" at the front of `text`: what it becomes, and how long it was. Of anything else: nothing.
std::pair<std::string, std::size_t> link_at(std::string_view text) {
  const auto middle = text.find("](");
  const auto end = middle == std::string_view::npos ? middle : text.find(')', middle);
  const bool is_link = text.starts_with('[') && end != std::string_view::npos && text.find(']') == middle;
  if (!is_link) return {"", 0};
  return {fmt::format("{} ({})", text.substr(1, middle - 1), text.substr(middle + 2, end - middle - 2)), end + 1};
}

// The Markdown of a page, line by line.
class Translation {
 public:
  void take(std::string_view line) {
    if (line.starts_with(kFence)) return toggle_code();
    if (in_code_) return append_line(line);
    if (line.starts_with('|')) return take_row(line);
    in_table_ = false;
    if (line.empty() || line.starts_with('#') || line.starts_with("<!--")) return take_break(line);
    paragraph_ += (paragraph_.empty() ? "" : " ") + std::string(line);
  }

  std::string finish() {
    end_paragraph();
    return std::move(page_);
  }

 private:
  void toggle_code() {
    end_paragraph();
    if (in_code_) append_code(page_, code_);
    code_.clear();
    in_code_ = !in_code_;
  }

  void append_line(std::string_view line) { code_.append(line) += '\n'; }

  // The first two rows are the heading and the line below it.
  void take_row(std::string_view line) {
    end_paragraph();
    rows_ = in_table_ ? rows_ + 1 : 1;
    in_table_ = true;
    if (rows_ <= 2) return;
    std::vector<std::string_view> rest;
    const auto cells = split(line.substr(1), '|');
    for (std::size_t i = 1; i < cells.size(); ++i) {
      if (!trimmed(cells[i]).empty()) rest.push_back(trimmed(cells[i]));
    }
    append_term(page_, trimmed(cells.front()), fmt::format("{}", fmt::join(rest, ": ")));
  }

  void take_break(std::string_view line) {
    end_paragraph();
    constexpr std::string_view kSection = "## ";
    if (!line.starts_with(kSection)) return;
    fmt::format_to(std::back_inserter(page_), ".SH {}\n", troff_text(upper(line.substr(kSection.size()))));
  }

  void end_paragraph() {
    if (!paragraph_.empty()) append_paragraph(page_, paragraph_);
    paragraph_.clear();
  }

  std::string page_;
  std::string paragraph_;
  std::string code_;
  bool in_code_ = false;
  bool in_table_ = false;
  std::size_t rows_ = 0;
};

}  // namespace

std::string troff_text(std::string_view markdown) {
  std::string out;
  bool bold = false;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const auto [link, length] = bold ? std::pair<std::string, std::size_t>{} : link_at(markdown.substr(i));
    if (length > 0) {
      out += troff_text(link);
      i += length - 1;
    } else if (markdown[i] == '`') {
      bold = !bold;
      out += bold ? "\\fB" : "\\fR";
    } else {
      out += escaped(markdown[i]);
    }
  }
  return guarded(std::move(out));
}

void append_paragraph(std::string& page, std::string_view markdown) {
  fmt::format_to(std::back_inserter(page), "{}{}\n", paragraph_mark(page), troff_text(markdown));
}

void append_code(std::string& page, std::string_view lines) {
  page.append(paragraph_mark(page)).append(".in +4n\n.EX\n");
  if (lines.ends_with('\n')) lines.remove_suffix(1);
  for (const std::string_view line : split(lines, '\n')) {
    std::string text;
    for (const char& c : line) text += escaped(c);
    page += guarded(std::move(text)) + '\n';
  }
  page += ".EE\n.in\n";
}

void append_term(std::string& page, std::string_view term, std::string_view markdown) {
  fmt::format_to(std::back_inserter(page), ".TP\n{}\n{}\n", troff_text(term), troff_text(markdown));
}

std::string troff_of(std::string_view markdown) {
  Translation translation;
  for (const std::string_view line : split(markdown, '\n')) translation.take(line);
  return translation.finish();
}

}  // namespace holdfast::config
