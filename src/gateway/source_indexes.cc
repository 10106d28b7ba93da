#include "gateway/source_indexes.h"

#include <algorithm>

namespace holdfast::gateway {

std::optional<std::uint8_t> SourceIndexes::find(const Address& address) const {
  const auto found = std::ranges::find(holders_, address, &Holder::address);
  if (found == holders_.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - holders_.begin());
}

std::optional<std::uint8_t> SourceIndexes::find_free(const InUse& in_use) {
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    const auto index = static_cast<std::uint8_t>(i);
    if (!holders_[i].wanted && !in_use(index)) return index;
  }
  if (holders_.size() == SourceLoads::kMax) return std::nullopt;
  holders_.emplace_back();
  return static_cast<std::uint8_t>(holders_.size() - 1);
}

std::vector<std::uint8_t> SourceIndexes::set(const std::vector<base::Endpoint>& wanted, const InUse& in_use) {
  std::vector<Address> addresses(wanted.begin(), wanted.end());
  if (addresses.empty()) addresses.emplace_back();
  // Those that stay come first, so that none of them loses its number to a new one.
  for (Holder& holder : holders_) holder.wanted = std::ranges::find(addresses, holder.address) != addresses.end();
  std::vector<std::uint8_t> changed;
  wanted_.clear();
  for (const Address& address : addresses) {
    auto index = find(address);
    if (!index) {
      index = find_free(in_use);
      if (!index) continue;
      changed.push_back(*index);
    }
    holders_[*index] = {address, true};
    wanted_.push_back({*index, address});
  }
  waiting_ = addresses.size() - wanted_.size();
  return changed;
}

}  // namespace holdfast::gateway
