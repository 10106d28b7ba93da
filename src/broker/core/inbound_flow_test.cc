#include "broker/core/inbound_flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "broker/core/session_rig.h"

namespace holdfast::broker {
namespace {

using namespace session_rig;

// One client that publishes. Steps: "p1 5" and "p2 5" a PUBLISH of QoS 1 or 2 with that identifier, "ok 1" and "no 1"
// what became of the first fresh message, "rel 5" a PUBREL, "cut" the connection goes, "new" another comes.
class Publisher {
 public:
  explicit Publisher(const LinkTerms& terms) { outlet.terms = terms; }

  // What the step led to: a word and whatever was written.
  std::string step(const std::string& text) {
    const std::size_t space = text.find(' ');
    const std::string verb = text.substr(0, space);
    const auto number = static_cast<std::uint16_t>(space == std::string::npos ? 0 : std::stoi(text.substr(space)));
    std::string result = act(verb, number);
    for (const std::string& line : std::exchange(outlet.lines, {})) result += (result.empty() ? "" : ", ") + line;
    return result;
  }

  InboundFlow flow;
  WritingOutlet outlet;
  bool online = true;

 private:
  std::string act(const std::string& verb, std::uint16_t number) {
    if (verb == "p1" || verb == "p2") return publish(verb == "p1" ? kQos1 : kQos2, number);
    if (verb == "rel") return flow.on_pubrel(number, outlet) == nullptr ? "" : "fault";
    if (verb == "ok" || verb == "no") {
      const Reason reason = verb == "ok" ? Reason::success : Reason::not_authorized;
      flow.taken(tickets_.at(number - 1U), reason, online ? &outlet : nullptr);
    } else {
      online = verb == "new";
      if (!online) flow.detach();
    }
    return "";
  }
  std::string publish(Qos qos, std::uint16_t packet_id) {
    const Arrival arrival = flow.arrive(qos, packet_id, outlet);
    if (arrival.what == Arrival::What::fresh) tickets_.push_back(arrival.ticket);
    constexpr const char* kNames[] = {"fresh", "duplicate", "refused", "fault"};
    return kNames[static_cast<int>(arrival.what)];
  }

  std::vector<std::uint32_t> tickets_;
};

struct Case {
  const char* name;
  std::vector<std::pair<const char*, const char*>> steps;  // a step, what follows from it
};

void expect_steps(std::span<const Case> cases, const LinkTerms& terms) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Publisher client(terms);
    for (const auto& [step, want] : c.steps) EXPECT_EQ(client.step(step), want) << step;
  }
}

//= MQTT5 [MQTT-4.3.2-4] type=test
//= MQTT5 [MQTT-4.3.2-5] type=test
//= MQTT5 [MQTT-4.3.3-8] type=test
//= MQTT5 [MQTT-4.3.3-9] type=test
//= MQTT5 [MQTT-4.3.3-10] type=test
//= MQTT5 [MQTT-4.3.3-11] type=test
//= MQTT5 [MQTT-4.3.3-12] type=test
TEST(InboundFlow, FollowsItsTable) {
  const Case cases[] = {
      {"QoS 1", {{"p1 5", "fresh"}, {"ok 1", "PUBACK #5"}}},
      {"QoS 1, not taken", {{"p1 5", "fresh"}, {"no 1", "PUBACK #5 0x87"}}},
      {"QoS 1, the identifier again", {{"p1 5", "fresh"}, {"ok 1", "PUBACK #5"}, {"p1 5", "fresh"}}},
      {"QoS 2", {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"rel 5", "PUBCOMP #5"}}},
      {"QoS 2, the identifier again",
       {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"rel 5", "PUBCOMP #5"}, {"p2 5", "fresh"}}},
      {"QoS 2, not taken, the identifier again",
       {{"p2 5", "fresh"}, {"no 1", "PUBREC #5 0x87"}, {"p2 5", "fresh"}, {"ok 2", "PUBREC #5"}}},
      {"QoS 2 twice before it is taken", {{"p2 5", "fresh"}, {"p2 5", "duplicate"}, {"ok 1", "PUBREC #5"}}},
      {"QoS 2 twice after it was taken", {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"p2 5", "duplicate, PUBREC #5"}}},
      {"PUBREL twice",
       {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"rel 5", "PUBCOMP #5"}, {"rel 5", "PUBCOMP #5 0x92"}}},
      {"PUBREL for nothing", {{"rel 5", "PUBCOMP #5 0x92"}}},
      {"PUBREL for QoS 1", {{"p1 5", "fresh"}, {"rel 5", "PUBCOMP #5 0x92"}, {"ok 1", "PUBACK #5"}}},
      {"PUBREL before PUBREC", {{"p2 5", "fresh"}, {"rel 5", "fault"}}},
      {"QoS 1 in the middle of QoS 2",
       {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"p1 5", "refused, PUBACK #5 0x91"}, {"rel 5", "PUBCOMP #5"}}},
      {"QoS 2 in the middle of QoS 1",
       {{"p1 5", "fresh"}, {"p2 5", "refused"}, {"ok 1", "PUBACK #5, PUBREC #5 0x91"}, {"p2 5", "fresh"}}},
  };
  expect_steps(cases, {});
}

//= MQTT311 [MQTT-4.3.2-2] type=test
//= MQTT311 [MQTT-4.3.3-2] type=test
//= MQTT311 [MQTT-3.3.5-2] type=test
TEST(InboundFlow, FollowsItsTableBeforeMqtt5) {
  const Case cases[] = {
      {"a refusal cannot be said", {{"p2 5", "fresh"}, {"no 1", "PUBREC #5 0x87"}, {"rel 5", "PUBCOMP #5"}}},
      {"nor one of an identifier",
       {{"p2 5", "fresh"}, {"p1 5", "fresh"}, {"ok 2", ""}, {"ok 1", "PUBREC #5, PUBACK #5"}}},
      {"PUBREL for nothing", {{"rel 5", "PUBCOMP #5 0x92"}}},  // the version has no reasons: the encoder leaves it out
  };
  expect_steps(cases, {.version = Version::v311, .inbound_receive_maximum = 1});
}

//= MQTT311 [MQTT-4.6.0-2] type=test
//= MQTT311 [MQTT-4.6.0-3] type=test
TEST(InboundFlow, AnswersInTheOrderOfArrival) {
  const Case cases[] = {
      {"taken in the other order",
       {{"p1 5", "fresh"},
        {"p2 6", "fresh"},
        {"p1 7", "fresh"},
        {"ok 3", ""},
        {"no 2", ""},
        {"ok 1", "PUBACK #5, PUBREC #6 0x87, PUBACK #7"}}},
      {"a duplicate waits for its turn as well",
       {{"p2 5", "fresh"},
        {"ok 1", "PUBREC #5"},
        {"p1 6", "fresh"},
        {"p2 5", "duplicate"},
        {"ok 2", "PUBACK #6, PUBREC #5"}}},
      {"a duplicate that is released before its turn is not answered twice",
       {{"p2 5", "fresh"},
        {"ok 1", "PUBREC #5"},
        {"p1 6", "fresh"},
        {"p2 5", "duplicate"},
        {"rel 5", "PUBCOMP #5"},
        {"ok 2", "PUBACK #6"}}},
      {"a ticket counts once",
       {{"p1 5", "fresh"},
        {"p1 6", "fresh"},
        {"ok 2", ""},
        {"no 2", ""},
        {"ok 1", "PUBACK #5, PUBACK #6"},
        {"no 1", ""}}},
  };
  expect_steps(cases, {});
}

TEST(InboundFlow, OwesNothingToAConnectionThatHasGone) {
  const Case cases[] = {
      {"QoS 1 comes again as new", {{"p1 5", "fresh"}, {"cut", ""}, {"new", ""}, {"ok 1", ""}, {"p1 5", "fresh"}}},
      {"QoS 1, the ticket of before is not that of now",
       {{"p1 5", "fresh"}, {"cut", ""}, {"new", ""}, {"p1 5", "fresh"}, {"ok 1", ""}, {"ok 2", "PUBACK #5"}}},
      {"QoS 2 is known when it was taken",
       {{"p2 5", "fresh"},
        {"ok 1", "PUBREC #5"},
        {"cut", ""},
        {"new", ""},
        {"p2 5", "duplicate, PUBREC #5"},
        {"rel 5", "PUBCOMP #5"}}},
      {"QoS 2 is released later",
       {{"p2 5", "fresh"}, {"ok 1", "PUBREC #5"}, {"cut", ""}, {"new", ""}, {"rel 5", "PUBCOMP #5"}}},
      {"QoS 2 is taken while nobody is there",
       {{"p2 5", "fresh"}, {"cut", ""}, {"ok 1", ""}, {"new", ""}, {"p2 5", "duplicate, PUBREC #5"}}},
      {"QoS 2 is taken after it came again",
       {{"p2 5", "fresh"}, {"cut", ""}, {"new", ""}, {"p2 5", "duplicate"}, {"ok 1", "PUBREC #5"}}},
      {"QoS 2 is taken before it comes again",
       {{"p2 5", "fresh"}, {"cut", ""}, {"new", ""}, {"ok 1", ""}, {"p2 5", "duplicate, PUBREC #5"}}},
      {"QoS 2 is refused while nobody is there",
       {{"p2 5", "fresh"}, {"cut", ""}, {"no 1", ""}, {"new", ""}, {"p2 5", "fresh"}}},
  };
  expect_steps(cases, {});
}

//= MQTT5 [MQTT-3.3.4-7] type=test
TEST(InboundFlow, HoldsTheClientToItsReceiveMaximum) {
  Publisher client({.inbound_receive_maximum = 2});
  EXPECT_EQ(client.step("p1 1"), "fresh");
  EXPECT_EQ(client.step("p2 2"), "fresh");
  EXPECT_EQ(client.flow.unacknowledged(), 2U);
  const Arrival arrival = client.flow.arrive(kQos1, 3, client.outlet);
  ASSERT_EQ(arrival.what, Arrival::What::fault);
  EXPECT_EQ(arrival.fault->reason, Reason::receive_maximum_exceeded);
  EXPECT_EQ(client.step("ok 1"), "PUBACK #1");  // one has left
  EXPECT_EQ(client.step("p1 3"), "fresh");
  EXPECT_EQ(client.step("ok 2"), "PUBREC #2");
  EXPECT_EQ(client.step("p1 4"), "fault");  // PUBREC alone finishes nothing
  EXPECT_EQ(client.step("rel 2"), "PUBCOMP #2");
  EXPECT_EQ(client.step("p2 4"), "fresh");
  EXPECT_EQ(client.step("no 4"), "");  // waits for its turn
  EXPECT_EQ(client.step("p1 5"), "fault");
  EXPECT_EQ(client.step("ok 3"), "PUBACK #3, PUBREC #4 0x87");
  EXPECT_EQ(client.step("p1 5"), "fresh");
  EXPECT_EQ(client.step("p1 6"), "fresh");
  EXPECT_EQ(client.flow.owed(), 2U);
  client.step("cut");  // a new connection begins from nothing
  client.step("new");
  EXPECT_EQ(client.flow.unacknowledged(), 0U);
}

TEST(InboundFlow, SaysWhichIdentifiersTheClientUses) {
  Publisher client({});
  client.step("p1 1");
  client.step("p2 2");
  client.step("p2 3");
  client.step("ok 1");
  EXPECT_FALSE(client.flow.has(1));
  EXPECT_TRUE(client.flow.has(2));
  client.step("ok 2");
  EXPECT_TRUE(client.flow.has(2));
  client.step("rel 2");
  EXPECT_FALSE(client.flow.has(2));
  EXPECT_EQ(client.flow.qos2_ids(), std::vector<std::uint16_t>{3});
}

TEST(InboundFlow, OwnsNothingWhenAllIsDone) {
  Publisher client({});
  base::Random random(1);
  for (std::uint16_t i = 1; i <= 1000; ++i) client.step("p2 " + std::to_string(i));
  for (int i = 1; i <= 1000; ++i) client.step("ok " + std::to_string(i));
  EXPECT_EQ(client.flow.qos2_ids().size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(client.flow.qos2_ids()));
  std::vector<int> order(1000);
  std::iota(order.begin(), order.end(), 1);
  for (std::uint32_t i = 999; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (const int each : order)
    EXPECT_EQ(client.step("rel " + std::to_string(each)), "PUBCOMP #" + std::to_string(each));
  EXPECT_EQ(client.flow.memory_bytes(), 0U);
}

}  // namespace
}  // namespace holdfast::broker
