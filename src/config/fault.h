// config/fault.h: what is wrong with a configuration file, and where.
//
// Thread: values; one owner.
// Limits: 1,000 faults are kept; further ones are only counted, and the last line says how many.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::config {

// A place in a text, counted from 1. Columns are characters, not bytes. 0:0 is no place at all.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend auto operator<=>(Position, Position) = default;
};

struct Fault {
  std::string file;
  std::uint32_t line = 0;  // 0: the fault is about the file as a whole, such as one that cannot be read
  std::uint32_t column = 0;
  std::string text;  // what is wrong, and what would be right
  friend bool operator==(const Fault&, const Fault&) = default;
};

// "edge.toml:12:3: ..." as every tool that jumps to a place reads it, or "edge.toml: ..." without a place.
[[nodiscard]] std::string to_text(const Fault& fault);

// Collects faults in any order and gives them back in the order of the file.
class Faults {
 public:
  static constexpr std::size_t kMax = 1000;

  void add(Position position, std::string text);
  [[nodiscard]] bool empty() const noexcept { return found_.empty(); }
  [[nodiscard]] std::vector<Fault> in_file_order(std::string_view file) const;

 private:
  struct Found {
    Position position;
    std::string text;
  };
  std::vector<Found> found_;
  std::size_t dropped_ = 0;
};

}  // namespace holdfast::config
