#include "broker/core/hashed_topic.h"

namespace holdfast::broker {

HashedTopic::HashedTopic(std::string_view text, const HashKey& key) noexcept : text_(text) {
  std::size_t count = 0;
  std::size_t start = 0;
  while (true) {
    if (count == kLevelsMax) return;
    const std::size_t slash = text.find('/', start);
    const std::size_t end = slash == std::string_view::npos ? text.size() : slash;
    starts_[count] = static_cast<std::uint32_t>(start);
    hashes_[count] = placed_hash(keyed_hash(key, text.substr(start, end - start)), count);
    ++count;
    start = end + 1;
    if (slash == std::string_view::npos) break;
  }
  starts_[count] = static_cast<std::uint32_t>(start);
  levels_ = count;
}

}  // namespace holdfast::broker
