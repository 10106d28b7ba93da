#include "rate.h"

#include <string>

namespace holdfast::app {

std::optional<base::Rate> parse_rate(std::string_view text) {
  const bool is_bare = text.find('/') == std::string_view::npos;
  const auto rate = base::parse_rate(is_bare ? std::string(text) + "/s" : std::string(text));
  return rate ? std::optional(*rate) : std::nullopt;
}

}  // namespace holdfast::app
