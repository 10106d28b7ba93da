#include "discovery/json_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::discovery {
namespace {

namespace json = boost::json;
using boost::system::error_code;
using config::Faults;
using config::List;
using config::Member;
using config::Members;
using config::Position;
using config::Value;

// Builds the tree from what the parser meets.
class TreeMaker {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  explicit TreeMaker(Faults& found) : faults(found) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(Members{}); }
  bool on_array_begin(error_code&) { return open(List{}); }
  bool on_object_end(std::size_t, error_code&) {
    check_keys(*open_.back().value.as<Members>());
    return close();
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(json::string_view part, std::size_t, error_code&) { return take_part(part); }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    take_part(part);
    open_.back().key_position = *std::exchange(text_at_, std::nullopt);
    open_.back().key = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) { return take_part(part); }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    take_part(part);
    const Position position = *std::exchange(text_at_, std::nullopt);
    return put({std::exchange(text_, {}), position});
  }

  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, error_code&) { return put({number, here}); }
  bool on_uint64(std::uint64_t number, json::string_view, error_code&) {
    return put({static_cast<double>(number), here});
  }
  bool on_double(double number, json::string_view, error_code&) { return put({number, here}); }
  bool on_bool(bool yes, error_code&) { return put({yes, here}); }
  bool on_null(error_code&) {
    faults.add(here, "null is no value; leave the key out");
    return put({false, here});
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  Faults& faults;
  Position here{1, 1};  // where the token begins that the parser is fed with
  Value root;

 private:
  // A container that is not at its end yet, and the key of the member of it that comes next.
  struct Open {
    Value value;
    std::string key = {};
    Position key_position = {};
  };

  bool open(auto container) {
    open_.push_back({Value{std::move(container), here}});
    return true;
  }

  bool close() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(value));
  }

  bool put(Value value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (auto* list = std::get_if<List>(&open_.back().value.content)) {
      list->push_back(std::move(value));
    } else {
      Open& object = open_.back();
      std::get<Members>(object.value.content).push_back({std::move(object.key), object.key_position, std::move(value)});
    }
    return true;
  }

  bool take_part(json::string_view part) {
    if (!text_at_) text_at_ = here;
    text_.append(part.data(), part.size());
    return true;
  }

  void check_keys(const Members& members) {
    std::vector<const Member*> sorted;
    for (const Member& member : members) sorted.push_back(&member);
    std::ranges::stable_sort(sorted, {}, &Member::key);
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      if (sorted[i - 1]->key != sorted[i]->key) continue;
      faults.add(sorted[i]->key_position,
                 fmt::format("the key {} is there twice; the first is at line {}", config::quoted(sorted[i]->key),
                             sorted[i - 1]->key_position.line));
    }
  }

  std::vector<Open> open_;
  std::string text_;  // of the key or text that is being read
  std::optional<Position> text_at_;
};

void advance(Position& position, std::string_view over) {
  for (const char c : over) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++position.column;  // the first byte of a character
    }
  }
}

// The next piece of `text`: at most one token, and what ends it. So the parser, which knows no places, is always at a
// known one. A text may be cut by this, which the parser does not mind.
std::string_view take_piece(std::string_view& text) {
  const std::size_t end = text.find_first_of("{[,:\n");
  const std::string_view piece = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
  text.remove_prefix(piece.size());
  return piece;
}

}  // namespace

std::optional<Value> read_json(std::string_view text, Faults& faults) {
  Faults found;
  json::basic_parser<TreeMaker> parser({}, found);
  TreeMaker& tree = parser.handler();
  Position position{1, 1};
  error_code error;
  std::size_t unread = 0;
  while (!text.empty() && !error && unread == 0) {
    const std::string_view piece = take_piece(text);
    const std::size_t blank = std::min(piece.find_first_not_of(" \t\r"), piece.size());
    tree.here = position;
    advance(tree.here, piece.substr(0, blank));
    unread = piece.size() - parser.write_some(true, piece.data(), piece.size(), error);
    advance(position, piece);
  }
  if (!error && unread == 0) parser.write_some(false, nullptr, 0, error);
  if (error || unread > 0) {
    const std::string reason = error ? error.message() : "there is more after its end";
    faults.add(tree.here, "not valid JSON, " + reason);
    return std::nullopt;
  }
  if (found.empty()) return std::move(tree.root);
  for (config::Fault& fault : found.in_file_order("")) faults.add({fault.line, fault.column}, std::move(fault.text));
  return std::nullopt;
}

}  // namespace holdfast::discovery
