// gateway/source_indexes.h: which number each source address of a pool has, in ServerSlot::sources and in the record of
// a relay.
//
// Thread: control. No sockets: which numbers are in use is asked of the caller.
// Life:   an address keeps its number while it is wanted, and while ports of it are in use; only then another gets it.
// Limits: SourceLoads::kMax at once. Those that find no number wait until one is free.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/endpoint.h"
#include "gateway/server_slots.h"

namespace holdfast::gateway {

class SourceIndexes {
 public:
  using Address = std::optional<base::Endpoint>;  // none: the kernel chooses
  struct Source {
    std::uint8_t index = 0;
    Address address;
  };
  // Whether a port is in use under this number.
  using InUse = std::function<bool(std::uint8_t index)>;

  // The addresses that connections come from now; without any the kernel chooses. Returns the numbers that have another
  // address than before, whose marks mean nothing any more.
  std::vector<std::uint8_t> set(const std::vector<base::Endpoint>& wanted, const InUse& in_use);

  // In the order they were wanted in, without those that wait for a number.
  [[nodiscard]] const std::vector<Source>& wanted() const noexcept { return wanted_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  // The numbers that there are: every one in use is below.
  [[nodiscard]] std::size_t count() const noexcept { return holders_.size(); }
  [[nodiscard]] const Address& address(std::uint8_t index) const { return holders_.at(index).address; }
  [[nodiscard]] bool is_wanted(std::uint8_t index) const { return holders_.at(index).wanted; }

 private:
  struct Holder {
    Address address;
    bool wanted = false;
  };

  [[nodiscard]] std::optional<std::uint8_t> find(const Address& address) const;
  [[nodiscard]] std::optional<std::uint8_t> find_free(const InUse& in_use);

  std::vector<Holder> holders_;  // by number
  std::vector<Source> wanted_;
  std::size_t waiting_ = 0;
};

}  // namespace holdfast::gateway
