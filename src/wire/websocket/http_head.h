// wire/websocket/http_head.h: the head of an HTTP/1.1 message: a first line and fields.
//
// Source: RFC 9112, 2 to 5; RFC 9110, 5. Thread: pure functions; views into the input. Cost: nothing allocates; the
// input is walked again each time it is asked for, up to the limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::wire::websocket {

enum class HeadStatus : std::uint8_t { more, whole, too_long, malformed };

// Strict: lines end with CR LF, no folded lines, no control characters.
struct HttpHead {
  HeadStatus status = HeadStatus::more;
  std::size_t bytes = 0;        // with the empty line; 0 unless whole
  std::string_view first_line;  // without its end
  std::string_view fields;      // whole lines

  // The values of all fields of this name, one at a time, from the first to the last. Names have no case.
  // `visit(std::string_view value)`.
  template <typename Visit>
  void each(std::string_view name, Visit&& visit) const {
    for (std::string_view rest = fields; !rest.empty();) {
      const Field field = take_field(rest);
      if (is_same(field.name, name)) visit(field.value);
    }
  }

  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view last(std::string_view name) const noexcept;  // empty when there is none
  // Whether one of the fields of this name lists the word, without regard to case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view word) const noexcept;

 private:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  static Field take_field(std::string_view& rest) noexcept;
  static bool is_same(std::string_view a, std::string_view b) noexcept;
};

// What `input` begins with. Bytes that no head has are refused at once, so another protocol shows early.
[[nodiscard]] HttpHead read_http_head(std::string_view input, std::size_t bytes_max) noexcept;

// The first item of a list with commas, without the space around it; takes it from the list.
[[nodiscard]] std::string_view take_item(std::string_view& list) noexcept;

// RFC9110 5.6.2
[[nodiscard]] bool is_token(std::string_view text) noexcept;

}  // namespace holdfast::wire::websocket
