#include "broker/core/inbound_flow.h"

#include <algorithm>

namespace holdfast::broker {

using wire::mqtt::Fault;
using wire::mqtt::PacketType;
using wire::mqtt::Reason;
using wire::mqtt::Version;

namespace {

constexpr Fault kTooMany{Reason::receive_maximum_exceeded, "MQTT5 [MQTT-3.3.4-7]",
                         "more PUBLISH packets in flight than the Receive Maximum"};
constexpr Fault kTooManyUnreleased{Reason::receive_maximum_exceeded, "MQTT311 4.3.3",
                                   "more QoS 2 messages that are not released than awaiting_rel_max"};
constexpr Fault kEarlyRelease{Reason::protocol_error, "MQTT5 4.3.3", "PUBREL before the PUBREC that it answers"};

}  // namespace

//= MQTT5 [MQTT-3.3.4-7]
//= MQTT5 [MQTT-4.3.2-5]
//= MQTT5 [MQTT-4.3.3-10]
//= MQTT311 [MQTT-4.3.2-2]
//= MQTT311 [MQTT-4.3.3-2]
Arrival InboundFlow::arrive(Qos qos, std::uint16_t packet_id, Outlet& outlet) {
  const bool is_v5 = outlet.terms.version == Version::v5;
  if (is_v5 && counted_ >= outlet.terms.inbound_receive_maximum) return {Arrival::What::fault, 0, &kTooMany};
  ++counted_;
  Owed* open = qos == Qos::exactly_once ? find_owed(packet_id) : nullptr;
  const bool has_qos2 = std::ranges::binary_search(qos2_ids_, packet_id);
  if (qos == Qos::exactly_once && has_qos2) {
    if (open != nullptr && open->qos == Qos::exactly_once) {
      open->is_wanted = true;
    } else {
      answer_in_turn(qos, packet_id, Reason::success, outlet);
    }
    return {Arrival::What::duplicate, 0, nullptr};
  }
  // Older versions have no way to say this; there it is a message like any other.
  const bool is_in_use = has_qos2 || (open != nullptr && open->is_wanted);
  if (is_v5 && is_in_use) {
    answer_in_turn(qos, packet_id, Reason::packet_identifier_in_use, outlet);
    return {Arrival::What::refused, 0, nullptr};
  }
  // Older versions know no Receive Maximum, and a client that never releases anything would make this grow.
  if (!is_v5 && qos == Qos::exactly_once && !has_qos2 && qos2_ids_.size() >= outlet.terms.inbound_receive_maximum) {
    return {Arrival::What::fault, 0, &kTooManyUnreleased};
  }
  if (qos == Qos::exactly_once) insert_qos2(packet_id);
  owed_.push_back(Owed(qos, packet_id));
  return {Arrival::What::fresh, first_ticket_ + owed_.size() - 1, nullptr};
}

void InboundFlow::answer_in_turn(Qos qos, std::uint16_t packet_id, Reason reason, Outlet& outlet) {
  Owed& owed = owed_.push_back(Owed(qos, packet_id));
  owed.is_taken = true;
  owed.reason = reason;
  settle(&outlet);
}

void InboundFlow::taken(std::uint32_t ticket, Reason reason, Outlet* outlet) {
  const std::uint32_t index = ticket - first_ticket_;
  if (index >= owed_.size() || owed_[index].is_taken) return;
  owed_[index].is_taken = true;
  owed_[index].reason = reason;
  settle(outlet);
}

//= MQTT5 [MQTT-4.3.2-4]
//= MQTT5 [MQTT-4.3.3-8]
//= MQTT311 [MQTT-4.6.0-2]
//= MQTT311 [MQTT-4.6.0-3]
void InboundFlow::settle(Outlet* outlet) {
  while (!owed_.empty() && owed_.front().is_taken) {
    const Owed owed = owed_.pop_front();
    ++first_ticket_;
    answer(owed, outlet);
  }
}

//= MQTT5 [MQTT-4.3.3-9]
//= MQTT311 [MQTT-3.3.5-2]
void InboundFlow::answer(const Owed& owed, Outlet* outlet) {
  const bool is_told = outlet != nullptr && owed.is_wanted;
  const bool is_failure = wire::mqtt::is_failure(owed.reason);
  if (owed.qos == Qos::at_least_once) {
    if (!is_told) return;
    finished_one();
    return outlet->ack(PacketType::puback, owed.packet_id, owed.reason);
  }
  // A refusal that cannot be said, because the version has no reasons, is a PUBREC, and PUBREL follows.
  const bool ends_here = is_failure && (!is_told || outlet->terms.version == Version::v5);
  if (ends_here) erase_qos2(owed.packet_id);
  if (!is_told) return;
  if (ends_here) finished_one();
  outlet->ack(PacketType::pubrec, owed.packet_id, owed.reason);
}

//= MQTT5 [MQTT-4.3.3-11]
//= MQTT5 [MQTT-4.3.3-12]
//= MQTT311 [MQTT-4.3.3-2]
const Fault* InboundFlow::on_pubrel(std::uint16_t packet_id, Outlet& outlet) {
  Owed* open = find_owed(packet_id);
  if (open != nullptr && open->qos == Qos::exactly_once) {
    if (!open->is_taken) return &kEarlyRelease;
    open->is_wanted = false;  // the PUBREL answers an earlier PUBREC for the same packet
    open->reason = Reason::success;
  }
  const bool is_known = erase_qos2(packet_id);
  if (is_known) finished_one();
  outlet.ack(PacketType::pubcomp, packet_id, is_known ? Reason::success : Reason::packet_identifier_not_found);
  return nullptr;
}

void InboundFlow::detach() {
  counted_ = 0;
  for (std::uint32_t i = 0; i < owed_.size(); ++i) owed_[i].is_wanted = false;
  settle(nullptr);
}

bool InboundFlow::has(std::uint16_t packet_id) const noexcept {
  if (std::ranges::binary_search(qos2_ids_, packet_id)) return true;
  const Owed* open = find_owed(packet_id);
  return open != nullptr && open->is_wanted;
}

const InboundFlow::Owed* InboundFlow::find_owed(std::uint16_t packet_id) const noexcept {
  for (std::uint32_t i = owed_.size(); i-- > 0;) {
    if (owed_[i].packet_id == packet_id) return &owed_[i];
  }
  return nullptr;
}

void InboundFlow::insert_qos2(std::uint16_t packet_id) {
  qos2_ids_.insert(std::ranges::lower_bound(qos2_ids_, packet_id), packet_id);
}

bool InboundFlow::erase_qos2(std::uint16_t packet_id) {
  const auto found = std::ranges::lower_bound(qos2_ids_, packet_id);
  if (found == qos2_ids_.end() || *found != packet_id) return false;
  qos2_ids_.erase(found);
  if (qos2_ids_.empty()) std::vector<std::uint16_t>().swap(qos2_ids_);
  return true;
}

std::size_t InboundFlow::memory_bytes() const noexcept {
  return owed_.memory_bytes() + qos2_ids_.capacity() * sizeof(std::uint16_t);
}

}  // namespace holdfast::broker
