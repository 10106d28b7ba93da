#include "admin/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace holdfast::admin {

Query::Query(const control::Request& request) : request_(request) {
  for (auto it = request.query.begin(); it != request.query.end(); ++it) {
    const auto again =
        std::find_if(it + 1, request.query.end(), [it](const auto& each) { return each.name == it->name; });
    if (again != request.query.end()) faults_.add({}, fmt::format("`{}` is there twice", it->name));
  }
}

std::optional<std::uint64_t> Query::take_number(std::string_view parameter, std::uint64_t min, std::uint64_t max) {
  const std::string* const text = request_.find_query(parameter);
  if (text == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error == std::errc() && stop == end && number >= min && number <= max) return number;
  return config::Reading(faults_).key(parameter).refuse(config::Value{*text},
                                                        fmt::format("a whole number from {} to {}", min, max));
}

std::optional<control::Response> Query::problem() const {
  if (faults_.empty()) return std::nullopt;
  std::string detail;
  for (const config::Fault& fault : faults_.in_file_order("")) detail += (detail.empty() ? "" : "; ") + fault.text;
  return control::problem(400, std::move(detail));
}

}  // namespace holdfast::admin
