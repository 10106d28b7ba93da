// broker/core/claims.h: which shard holds the session of a client id, for the ids that one shard orders.
//
// Thread: its shard's. Cost: O(1); about 100 bytes a client id.
// Order:  the claims of one id come to one shard and are granted one after the other, in whatever order they come: of
// two
//         connections that meet at the session, their tokens say which one stays.
// Life:   an id is kept while it has a session or a grant that nobody has settled: each grant is settled once, by the
//         shard where the connection arrived, or by who found that it had gone.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/keyed_hash.h"

namespace holdfast::broker {

// When a CONNECT was read, in the order of the whole node: however long it takes until the client is known and has come
// to its session, of two with one client id the one that was read later wins. Only the order counts. 0: none.
using ClaimToken = std::uint64_t;

// The text of a client can be looked up as it is, and nobody outside can make texts that collide.
struct TextHash {
  using is_transparent = void;
  HashKey key;
  std::size_t operator()(std::string_view text) const noexcept { return keyed_hash(key, text); }
};

class Claims {
 public:
  enum class Outcome : bool { unused, attached };

  explicit Claims(const HashKey& key) : ids_(0, TextHash{key}) {}

  // The holder: who claims first becomes it, and later ones are sent there.
  unsigned claim(std::string_view client_id, unsigned claimant);
  void settle(std::string_view client_id, Outcome outcome);
  // The session has ended.
  void release(std::string_view client_id);

  [[nodiscard]] std::optional<unsigned> holder(std::string_view client_id) const;
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }

 private:
  struct Entry {
    unsigned holder = 0;
    std::uint32_t unsettled = 0;
    bool has_session = false;
  };
  using Ids = boost::unordered_flat_map<std::string, Entry, TextHash, std::equal_to<>>;

  void forget_if_over(Ids::iterator at);

  Ids ids_;
};

}  // namespace holdfast::broker
