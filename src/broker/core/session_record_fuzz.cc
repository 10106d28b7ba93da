// Any bytes: they are refused and leave nothing behind, or are a session that says the same of itself again and works.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <vector>

#include "broker/core/session_rig.h"

namespace {

using namespace holdfast::broker;
using namespace holdfast::broker::session_rig;
using Record = std::span<const std::byte>;

void demand(bool holds) {
  if (!holds) std::abort();
}

constexpr SessionLimits kNoLimits{.queue_bytes_max = std::numeric_limits<std::uint64_t>::max(),
                                  .queue_length_max = std::numeric_limits<std::uint32_t>::max()};

void try_subscriptions(Record record) {
  Rig rig;
  if (rig.session.import_subscriptions(record)) {
    const std::vector<std::byte> again = rig.session.export_subscriptions();
    demand(std::ranges::equal(again, record));
  } else {
    demand(rig.session.subscriptions().empty());
  }
}

void try_state(Record record) {
  Rig rig(kNoLimits);
  rig.cut();
  if (!rig.session.import_state(record, rig.ledger, rig.now)) {
    demand(rig.session.inflight() + rig.session.queued() == 0 && rig.session.inbound().qos2_ids().empty());
    return;
  }
  const std::vector<std::byte> again = rig.session.export_state(rig.now);
  demand(std::ranges::equal(again, record));
  const std::uint64_t before = rig.session.queued() + rig.session.inflight();
  rig.connect();
  rig.deliver(kQos1, "x");
  for (std::uint32_t id = 1; id <= 65'535 && rig.session.inflight() > 0; ++id) {
    const auto packet_id = static_cast<std::uint16_t>(id);
    if (rig.session.on_puback(packet_id, Reason::success, rig.context()) != nullptr) {
      (void)rig.session.on_pubrec(packet_id, Reason::success, rig.context());
      demand(rig.session.on_pubcomp(packet_id, Reason::success, rig.context()) == nullptr);
    }
  }
  rig.session.discard(rig.ledger);
  demand(rig.lost().size() <= before + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Record record = std::as_bytes(std::span(data, size));
  try_subscriptions(record);
  try_state(record);
  return 0;
}
