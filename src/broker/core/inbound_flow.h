// broker/core/inbound_flow.h: what a client publishes with QoS 1 and 2, from its PUBLISH to the last acknowledgement.
//
// A PUBLISH is taken by somebody else, who may need a while and need not finish in order; acknowledgements of one kind
// leave in the order of the packets that they answer. QoS 2 identifiers outlive the connection; acknowledgements that
// are owed to a connection end with it, and the client's resent PUBLISH asks for them again.
//
// Thread: the worker's. Cost: O(1); a QoS 2 identifier is found in O(log n) and its going moves those above it.
// Limits: what is owed is bounded by the Receive Maximum of MQTT 5, before that by how far the server reads ahead
//         (owed()); QoS 2 identifiers of clients before MQTT 5 by inbound_receive_maximum, over which they are faulty,
//         of others by 65,535, as they outlive connections; 2 bytes each. Memory: 56 bytes, more only while something
//         is open.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/core/outlet.h"
#include "broker/core/ring.h"

namespace holdfast::broker {

struct Arrival {
  enum class What : std::uint8_t {
    fresh,      // publish it, and call taken() with the ticket when that is done
    duplicate,  // it was published before; nothing to do
    refused,    // answered with packet_identifier_in_use; not to be published
    fault,      // the connection must go
  };
  What what = What::fresh;
  std::uint32_t ticket = 0;                  // of a fresh one
  const wire::mqtt::Fault* fault = nullptr;  // of a fault
};

class InboundFlow {
 public:
  // `qos` is not 0. Answers a duplicate itself, now or when the first one is taken.
  [[nodiscard]] Arrival arrive(Qos qos, std::uint16_t packet_id, Outlet& outlet);
  // The message of this ticket has found its way, or has not, which `reason` says. Also after the connection has gone
  // (outlet null) or another has come. Tickets that mean nothing any more are ignored.
  void taken(std::uint32_t ticket, wire::mqtt::Reason reason, Outlet* outlet);
  [[nodiscard]] const wire::mqtt::Fault* on_pubrel(std::uint16_t packet_id, Outlet& outlet);
  // The connection has gone.
  void detach();

  // Whether the client uses the identifier for a PUBLISH that is not finished: SUBSCRIBE and UNSUBSCRIBE may not.
  [[nodiscard]] bool has(std::uint16_t packet_id) const noexcept;
  // How many PUBLISH packets of this connection count against the Receive Maximum, and how many acknowledgements wait
  // for taken().
  [[nodiscard]] std::uint32_t unacknowledged() const noexcept { return counted_; }
  [[nodiscard]] std::uint32_t owed() const noexcept { return owed_.size(); }

  // The QoS 2 identifiers that await PUBREL, sorted. For records.
  [[nodiscard]] const std::vector<std::uint16_t>& qos2_ids() const noexcept { return qos2_ids_; }
  // Those must be sorted, without 0 and without doubles.
  void restore_qos2_ids(std::vector<std::uint16_t> ids) { qos2_ids_ = std::move(ids); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Owed {
    Owed(Qos at, std::uint16_t id) noexcept : packet_id(id), qos(at), is_taken(false), is_wanted(true) {}

    std::uint16_t packet_id;
    Qos qos : 2;
    bool is_taken : 1;
    bool is_wanted : 1;  // by the present connection
    wire::mqtt::Reason reason{};
  };
  static_assert(sizeof(Owed) == 4);

  void answer_in_turn(Qos qos, std::uint16_t packet_id, wire::mqtt::Reason reason, Outlet& outlet);
  void settle(Outlet* outlet);
  void answer(const Owed& owed, Outlet* outlet);
  void finished_one() noexcept { counted_ -= counted_ > 0 ? 1 : 0; }
  // The newest one with this identifier.
  [[nodiscard]] const Owed* find_owed(std::uint16_t packet_id) const noexcept;
  [[nodiscard]] Owed* find_owed(std::uint16_t packet_id) noexcept {
    return const_cast<Owed*>(std::as_const(*this).find_owed(packet_id));
  }
  void insert_qos2(std::uint16_t packet_id);
  bool erase_qos2(std::uint16_t packet_id);

  Ring<Owed> owed_;  // in the order of arrival; the first has the ticket first_ticket_
  std::vector<std::uint16_t> qos2_ids_;
  std::uint32_t first_ticket_ = 1;
  std::uint32_t counted_ = 0;
};
static_assert(sizeof(InboundFlow) == 56);

}  // namespace holdfast::broker
