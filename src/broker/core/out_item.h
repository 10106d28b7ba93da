// broker/core/out_item.h: one copy of a message on its way to one client.
//
// Thread: the worker's. Memory: 24 bytes, and the message that it shares.
#pragma once

#include <cstdint>
#include <utility>

#include "broker/core/message.h"
#include "broker/core/outlet.h"
#include "broker/core/subscription_ids.h"

namespace holdfast::broker {

struct OutItem {
  enum class Stage : std::uint8_t {
    queued,            // not sent yet; has no packet identifier
    awaiting_puback,   // QoS 1, sent
    awaiting_pubrec,   // QoS 2, sent
    awaiting_pubcomp,  // QoS 2, PUBREL sent: the message is the client's and no more with us
  };

  OutItem() = default;
  OutItem(MessageRef shared, Qos at, bool retained) noexcept : message(std::move(shared)), qos(at), retain(retained) {}

  MessageRef message;
  SubscriptionIdList subscription_ids;
  std::uint32_t share_group = kNoShareGroup;
  std::uint16_t packet_id = 0;
  Stage stage = Stage::queued;
  Qos qos : 2 = Qos::at_most_once;
  bool retain : 1 = false;
};
static_assert(sizeof(OutItem) == 24);

}  // namespace holdfast::broker
