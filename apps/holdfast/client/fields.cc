#include "client/fields.h"

#include <boost/json.hpp>

namespace holdfast::app {

namespace json = boost::json;

const json::value* find_at(const json::value& value, std::string_view path) noexcept {
  const json::value* at = &value;
  while (at != nullptr && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const json::object* const object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(json::string_view(name.data(), name.size()));
  }
  return at;
}

bool is_there(const json::value& value, std::string_view path) noexcept {
  const json::value* const found = find_at(value, path);
  return found != nullptr && !found->is_null();
}

std::string text_at(const json::value& value, std::string_view path) {
  const json::value* const found = find_at(value, path);
  if (found == nullptr || found->is_null()) return {};
  if (const json::string* const text = found->if_string()) return {text->data(), text->size()};
  return json::serialize(*found);
}

std::optional<double> find_number(const json::value& value, std::string_view path) noexcept {
  const json::value* const found = find_at(value, path);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  if (found->is_int64()) return static_cast<double>(*found->if_int64());
  if (found->is_uint64()) return static_cast<double>(*found->if_uint64());
  return *found->if_double();
}

double number_at(const json::value& value, std::string_view path) noexcept {
  return find_number(value, path).value_or(0);
}

bool flag_at(const json::value& value, std::string_view path) noexcept {
  const json::value* const found = find_at(value, path);
  return found != nullptr && found->is_bool() && *found->if_bool();
}

const json::array& list_at(const json::value& value, std::string_view path) noexcept {
  static const json::array kNone;
  const json::value* const found = find_at(value, path);
  const json::array* const list = found == nullptr ? nullptr : found->if_array();
  return list == nullptr ? kNone : *list;
}

const json::object& object_at(const json::value& value, std::string_view path) noexcept {
  static const json::object kNone;
  const json::value* const found = find_at(value, path);
  const json::object* const object = found == nullptr ? nullptr : found->if_object();
  return object == nullptr ? kNone : *object;
}

double sum_of(const boost::json::object& counts) noexcept {
  double all = 0;
  for (const auto& each : counts) all += number_at(each.value(), "");
  return all;
}

}  // namespace holdfast::app
