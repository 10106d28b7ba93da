#include "client/table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/utf8.h"

namespace holdfast::app {
namespace {

const char* code_of(Colour colour) noexcept {
  switch (colour) {
    case Colour::none: return "";
    case Colour::good: return "\x1b[32m";
    case Colour::warning: return "\x1b[33m";
    case Colour::bad: return "\x1b[31m";
    case Colour::quiet: return "\x1b[2m";
    case Colour::title: return "\x1b[1m";
  }
  return "";
}

constexpr bool begins_a_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }

// A line of cells that may not be longer than there is room for.
class Line {
 public:
  Line(Paint paint, std::size_t width_max) : paint_(paint), room_(width_max) {}

  void add(std::string_view text, Colour colour) {
    const std::string_view fits = cut(text, room_);
    if (fits.empty()) return;
    text_.append(std::exchange(spaces_, 0), ' ');
    text_ += painted(fits, colour, paint_);
    room_ -= width_of(fits);
  }
  // Written only before something else.
  void add_spaces(std::size_t count) {
    count = std::min(count, room_);
    spaces_ += count;
    room_ -= count;
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  Paint paint_;
  std::size_t room_;
  std::size_t spaces_ = 0;
  std::string text_;
};

}  // namespace

Paint paint_of_output() {
  const char* const no_color = std::getenv("NO_COLOR");  // NOLINT: nothing in a command changes the environment
  const bool wanted = no_color == nullptr || *no_color == '\0';
  return wanted && ::isatty(STDOUT_FILENO) != 0 ? Paint::coloured : Paint::plain;
}

std::string painted(std::string_view text, Colour colour, Paint paint) {
  if (paint == Paint::plain || colour == Colour::none) return std::string(text);
  return fmt::format("{}{}\x1b[0m", code_of(colour), text);
}

std::string clean(std::string_view text) {
  std::string valid = base::to_utf8(std::string(text));
  std::ranges::replace_if(
      valid, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  // U+0080 to U+009F are control characters too, and some terminals take them for such.
  for (auto at = valid.find('\xC2'); at != std::string::npos; at = valid.find('\xC2', at + 1)) {
    if (static_cast<unsigned char>(valid[at + 1]) < 0xA0) valid.replace(at, 2, "?");
  }
  return valid;
}

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_a_character));
}

std::string_view cut(std::string_view text, std::size_t width) noexcept {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_a_character(text[at]) && width-- == 0) break;
  }
  return text.substr(0, at);
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Cell> row) {
  if (row.size() != columns_.size()) std::abort();
  for (Cell& cell : row) cell.text = clean(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  return widths;
}

std::vector<std::string> Table::lines(Paint paint, std::size_t width_max) const {
  const std::vector<std::size_t> columns_wide = widths();
  std::vector<std::string> lines;
  const auto add_line = [&](const auto& text_of, const auto& colour_of) {
    Line line(paint, width_max);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::size_t padding = columns_wide[i] - width_of(text_of(i));
      if (i > 0) line.add_spaces(2);
      if (columns_[i].align == Align::right) line.add_spaces(padding);
      line.add(text_of(i), colour_of(i));
      if (columns_[i].align == Align::left) line.add_spaces(padding);
    }
    lines.push_back(std::move(line).text());
  };
  add_line([this](std::size_t i) -> std::string_view { return columns_[i].title; },
           [](std::size_t) { return Colour::title; });
  for (const auto& row : rows_) {
    add_line([&row](std::size_t i) -> std::string_view { return row[i].text; },
             [&row](std::size_t i) { return row[i].colour; });
  }
  return lines;
}

std::string Table::text(Paint paint) const {
  std::string text;
  for (const std::string& line : lines(paint)) text += line + "\n";
  return text;
}

}  // namespace holdfast::app
