// config/shape.h: what the schema says about keys, as text: for the reference and for faults.
//
// Thread: values, made once with the schema.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/applies.h"
#include "config/document.h"

namespace holdfast::config {

struct TableShape;

// What may stand behind the "=" of a key, or under its heading.
struct Shape {
  enum class Form : std::uint8_t { value, table, tables };  // key = ..., [key], [[key]]

  std::string type;    // "duration"
  std::string wanted;  // "a duration such as "5s"": it follows "must be" in a fault
  std::string range;   // "10ms to 1h"; empty when every value of the type will do
  Form form = Form::value;
  std::shared_ptr<const TableShape> table = nullptr;  // of a table and of tables
};

// What a key is when the file does not have it. Written in the schema as in a file: "10s", 100, true.
class Default {
 public:
  Default(const char* text);  // NOLINT: implicit on purpose
  Default(int number);        // NOLINT: implicit on purpose
  Default(double number);     // NOLINT: implicit on purpose
  Default(bool yes);          // NOLINT: implicit on purpose
  explicit Default(Value value);

  static Default required() { return Default(std::nullopt, ""); }
  // The field stays as it is made, and Table::complete fills it in; `text` tells the reader with what.
  static Default derived(std::string text) { return Default(std::nullopt, std::move(text)); }

  [[nodiscard]] bool is_required() const { return !value_ && text_.empty(); }
  [[nodiscard]] const Value* value() const { return value_ ? &*value_ : nullptr; }
  // For the reference: the value as it is written, or words.
  [[nodiscard]] std::string text() const;

 private:
  Default(std::nullopt_t, std::string text) : text_(std::move(text)) {}

  std::optional<Value> value_;
  std::string text_;  // of a derived one; never empty
};

inline const Default kRequired = Default::required();
inline const Default kEmptyList{Value{List{}}};
inline const Default kNoTable = Default::derived("none");
inline const Default kAllDefaults{Value{Members{}}};  // of a table: each of its keys has its own

struct KeyShape {
  std::string name;
  Shape shape;
  Default fallback;
  Reload reload;
  std::string effect;
};

struct TableShape {
  std::vector<KeyShape> keys;
};

// The heading of a table at `path`: "[node]", "[[pool.server]]"; the file itself is "the file".
[[nodiscard]] std::string heading(std::string_view path, Shape::Form form);
[[nodiscard]] std::string join(std::string_view path, std::string_view key);

}  // namespace holdfast::config
