// apps/holdfast/client/fields.h: reading answers of the API, whatever version gave them.
//
// Thread: pure. A field that is not there, or is of another type, is empty, 0 or false: a command of one version shows
// what it can of a process of another.
// `path` has names with dots between them: "check.took_seconds"; "" is the value itself.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::app {

// Null when it is not there.
[[nodiscard]] const boost::json::value* find_at(const boost::json::value& value, std::string_view path) noexcept;
// There, and not null.
[[nodiscard]] bool is_there(const boost::json::value& value, std::string_view path) noexcept;

// Text as it is; numbers and truth as JSON writes them.
[[nodiscard]] std::string text_at(const boost::json::value& value, std::string_view path);
[[nodiscard]] std::optional<double> find_number(const boost::json::value& value, std::string_view path) noexcept;
[[nodiscard]] double number_at(const boost::json::value& value, std::string_view path) noexcept;
[[nodiscard]] bool flag_at(const boost::json::value& value, std::string_view path) noexcept;
[[nodiscard]] const boost::json::array& list_at(const boost::json::value& value, std::string_view path) noexcept;
[[nodiscard]] const boost::json::object& object_at(const boost::json::value& value, std::string_view path) noexcept;
// Of the numbers that it has: {"idle_timeout": 3, "kicked": 2} is 5.
[[nodiscard]] double sum_of(const boost::json::object& counts) noexcept;

}  // namespace holdfast::app
