// apps/holdfast/client/table.h: aligned columns, in colour only on a terminal.
//
// Thread: pure, but for paint_of_output(), which looks at standard output and at NO_COLOR.
// What a peer may have written is made fit for a terminal: control characters become "?".
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::app {

enum class Align : std::uint8_t { left, right };
enum class Colour : std::uint8_t { none, good, warning, bad, quiet, title };
enum class Paint : std::uint8_t { plain, coloured };

[[nodiscard]] Paint paint_of_output();
// `text` in that colour, if there is any.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, Paint paint);
// Valid UTF-8 without control characters: what may be written to a terminal.
[[nodiscard]] std::string clean(std::string_view text);
// How many columns a clean text takes: its code points.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;
// The first `width` columns of a clean text.
[[nodiscard]] std::string_view cut(std::string_view text, std::size_t width) noexcept;

struct Cell {
  Cell(std::string cell_text, Colour cell_colour = Colour::none)  // NOLINT: implicit on purpose
      : text(std::move(cell_text)), colour(cell_colour) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT: implicit on purpose

  std::string text;
  Colour colour = Colour::none;
};

class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  static constexpr std::size_t kAnyWidth = std::numeric_limits<std::size_t>::max();

  explicit Table(std::vector<Column> columns);
  // As many cells as there are columns.
  void add(std::vector<Cell> row);

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // The heading and then the rows, each cut at `width_max` columns, without ends of lines.
  [[nodiscard]] std::vector<std::string> lines(Paint paint, std::size_t width_max = kAnyWidth) const;
  [[nodiscard]] std::string text(Paint paint) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace holdfast::app
