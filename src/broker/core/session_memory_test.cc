#include <gtest/gtest.h>

#include <atomic>

#include "base/slab.h"
#include "broker/core/session_rig.h"

namespace holdfast::broker {

extern std::atomic<std::uint64_t> allocations;
extern std::atomic<std::int64_t> allocated_bytes;

namespace {

using namespace session_rig;

constexpr std::size_t kSessions = 10'000;

struct Crowd {
  base::Slab<Session> sessions;
  std::vector<base::Key> keys;
};

void come(Crowd& crowd) {
  crowd.keys.reserve(kSessions);
  for (std::size_t i = 0; i < kSessions; ++i) {
    const std::string number = std::to_string(10'000 + i);
    crowd.keys.push_back(crowd.sessions.add("client-of-test-" + number, "user", i + 1, SessionLimits{}));
    Session* session = crowd.sessions.find(crowd.keys.back());
    session->subscribe("devices/" + number + "/commands/+", {.qos = kQos1});
  }
}

// Everything that leaves nothing behind, once.
void exchange(Session& session, WritingLedger& ledger) {
  WritingOutlet outlet;
  const Context context{&outlet, ledger, kStart};
  session.attach(context);
  for (const Qos qos : {kQos1, kQos2, kQos0, kQos1, kQos1, kQos1, kQos1}) {
    session.deliver(Rig::message(qos, "x"), {.qos = qos}, context);
  }
  for (std::uint16_t id = 1; id <= 6; ++id) {
    EXPECT_EQ(id == 2 ? nullptr : session.on_puback(id, Reason::success, context), nullptr);
  }
  EXPECT_EQ(session.on_pubrec(2, Reason::success, context), nullptr);
  EXPECT_EQ(session.on_pubcomp(2, Reason::success, context), nullptr);
  session.on_taken(session.on_publish(kQos2, 1, context).ticket, Reason::success, context);
  EXPECT_EQ(session.on_pubrel(1, context), nullptr);
  session.detach(kStart);
  session.deliver(Rig::message(kQos1, "x"), {.qos = kQos1}, {nullptr, ledger, kStart});
  session.attach(context);
  EXPECT_EQ(session.on_puback(7, Reason::success, context), nullptr);
  EXPECT_EQ(session.inflight() + session.queued(), 0U);
}

TEST(SessionMemory, AnIdleSessionWithOneSubscriptionIsSmallAndStaysSo) {
  Crowd crowd;
  const std::int64_t before = allocated_bytes;
  come(crowd);
  const std::int64_t vector_bytes = static_cast<std::int64_t>(crowd.keys.capacity() * sizeof(base::Key));
  const auto each = [&] { return (allocated_bytes - before - vector_bytes) / static_cast<std::int64_t>(kSessions); };
  RecordProperty("bytes_each", std::to_string(each()));
  EXPECT_LE(each(), 400);
  const std::int64_t idle = allocated_bytes;
  WritingLedger ledger;
  for (const base::Key key : crowd.keys) exchange(*crowd.sessions.find(key), ledger);
  EXPECT_TRUE(ledger.lines.empty());
  EXPECT_EQ(allocated_bytes, idle);
}

// What a server does with a packet, without its bytes.
class TakingOutlet final : public Outlet {
 public:
  bool ready() override { return true; }
  void publish(const OutgoingPublish& publish) override { last = publish.head.packet_id; }
  void ack(PacketType /*type*/, std::uint16_t /*packet_id*/, Reason /*reason*/) override {}

  std::uint16_t last = 0;
};

TEST(SessionMemory, QosZeroToAReadyOutletAllocatesNothing) {
  Session session("client", "user", 1, {});
  TakingOutlet outlet;
  outlet.aliases = OutboundAliases(8);
  outlet.terms.packet_bytes_max = 1000;
  WritingLedger ledger;
  const Context context{&outlet, ledger, kStart};
  session.attach(context);
  const MessageRef message = Rig::message(kQos2, "x", kStart + 5s, "sensors/1");
  const std::uint32_t ids[] = {1, 2, 3};
  const Delivery delivery{.qos = kQos0, .subscription_ids = ids};
  for (int i = 0; i < 3; ++i) session.deliver(message, delivery, context);
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) session.deliver(message, delivery, context);
  EXPECT_EQ(allocations, before);
}

TEST(SessionMemory, AWindowThatIsNeverEmptyAllocatesNothing) {
  Session session("client", "user", 1, {});
  TakingOutlet outlet;
  WritingLedger ledger;
  const Context context{&outlet, ledger, kStart};
  session.attach(context);
  const MessageRef message = Rig::message(kQos1, "x");
  session.deliver(message, {.qos = kQos1}, context);
  const std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    const std::uint16_t first = outlet.last;
    session.deliver(message, {.qos = kQos1}, context);
    EXPECT_EQ(session.on_puback(first, Reason::success, context), nullptr);
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace holdfast::broker
