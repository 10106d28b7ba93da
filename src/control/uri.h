// control/uri.h: the parts of a request target, decoded.
//
// Thread: pure functions. Errors: malformed, the client's fault. Source: RFC 3986; RFC 9112 section 3.2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast::control {

struct NamedValue {
  std::string name;
  std::string value;
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};
using NamedValues = std::vector<NamedValue>;

// "%41" is "A". What comes out must be UTF-8 without zero bytes, so that it may be shown and passed on anywhere.
[[nodiscard]] base::Result<std::string> decode_percent(std::string_view text);
// The way back, for one piece of a path or one value of a query: everything but A-Za-z0-9-._~ becomes "%XX".
[[nodiscard]] std::string encode_percent(std::string_view text);
// "a=1&b=x+y": '+' is a space. A name without '=' has an empty value; empty pieces are skipped.
[[nodiscard]] base::Result<NamedValues> parse_query(std::string_view text);

struct Target {
  std::string path;  // as sent, still encoded, so that "%2F" is told from "/"
  NamedValues query;
};
// "/path?query" or "http://host/path?query".
[[nodiscard]] base::Result<Target> parse_target(std::string_view text);

// A text from a peer, made fit for a message: at most 200 bytes of printable ASCII, the rest as "%XX" or cut.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace holdfast::control
