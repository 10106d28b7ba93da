// broker/core/will_registry.h: the wills of one shard's clients, apart from their sessions: a will outlives the session
// where it may not be published at once.
//
// Thread: one owner. Cost: O(1). Memory: about 160 bytes a will, beside its message and a user name.
// Limits: one for each session, and those that the gate has held back (Ports::may_fire()).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/core/claims.h"
#include "broker/core/flat_text.h"
#include "broker/core/message.h"
#include "wire/mqtt/packets.h"

namespace holdfast::broker {

// What is published in the name of a client that goes without a word.
struct Will {
  MessageRef message;
  wire::mqtt::Seconds delay{0};
  std::optional<wire::mqtt::Seconds> expiry;  // from when it is published
  FlatText user;                              // whose it is, beside the client id
};

// Names a registered will. 0: none.
using WillNumber = std::uint64_t;

class WillRegistry {
 public:
  struct Record {
    std::string client_id;
    ClaimToken token = 0;  // of the connection whose will it is
    Will will;
  };

  WillNumber set(std::string_view client_id, ClaimToken token, Will will) {
    records_.emplace(++last_, std::make_unique<Record>(Record{std::string(client_id), token, std::move(will)}));
    return last_;
  }
  // It will not be published. Nothing, when there is none of that number.
  void clear(WillNumber number) { records_.erase(number); }
  [[nodiscard]] Record* find(WillNumber number) {
    const auto found = records_.find(number);
    return found == records_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }

 private:
  boost::unordered_flat_map<WillNumber, std::unique_ptr<Record>> records_;
  WillNumber last_ = 0;
};

}  // namespace holdfast::broker
