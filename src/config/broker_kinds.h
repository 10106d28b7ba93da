// config/broker_kinds.h: the kinds of values that only the sections of the broker have.
//
// Thread: as kind.h.
#pragma once

#include <string_view>

#include "config/kind.h"

namespace holdfast::config {

// "64KiB/s", or 0; the value is the bytes of a second.
[[nodiscard]] Kind<base::Bytes> byte_rate_or_zero(base::Bytes min, base::Bytes max);
// A filter of MQTT, in which "%u" and "%c" are characters like others.
[[nodiscard]] Kind<std::string> topic_filter();
// What stands before or in the place of a topic: no wildcards.
[[nodiscard]] Kind<std::string> topic_part(std::string_view example);
// The path of a URL: "/mqtt".
[[nodiscard]] Kind<std::string> url_path();

// Where a page may come from: "https://app.example.org", "http://localhost:*"; "null" is what a page without an origin
// says.
[[nodiscard]] Kind<std::string> origin();

// A key that need not be written, because another section says what it is then. Its Default is Default::derived().
template <typename T>
[[nodiscard]] Kind<std::optional<T>> inherited(Kind<T> kind) {
  auto write = [write = std::move(kind.write)](const std::optional<T>& value) -> std::optional<Value> {
    return value ? write(*value) : std::nullopt;
  };
  auto read = [read = std::move(kind.read)](const Value& value,
                                            const Reading& reading) -> std::optional<std::optional<T>> {
    using Outer = std::optional<std::optional<T>>;
    auto inner = read(value, reading);
    return inner ? Outer(std::in_place, std::move(inner)) : std::nullopt;
  };
  return {std::move(kind.shape), std::move(read), std::move(write)};
}

}  // namespace holdfast::config
