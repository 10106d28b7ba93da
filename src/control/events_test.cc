#include "control/events.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <optional>

#include "control/event_reader.h"
#include "control/json.h"
#include "control/stream.h"

namespace holdfast::control {
namespace {

constexpr std::uint64_t kFirst = 5'000;

std::shared_ptr<Stream> listen(Events& events, std::optional<std::string> last_id = std::nullopt) {
  Request request;
  if (last_id) request.headers.push_back({"last-event-id", *last_id});
  const Response response = events.answer(request);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "text/event-stream");
  return response.stream;
}

// Everything that is there for a listener now.
std::vector<ServerEvent> all_of(Stream& stream) {
  EventReader reader;
  std::vector<ServerEvent> all;
  for (std::string piece = stream.take(); !piece.empty(); piece = stream.take()) {
    for (ServerEvent& event : reader.feed(piece)) all.push_back(std::move(event));
  }
  return all;
}

void publish(Events& events, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) events.publish("reload", {{"number", i}});
}

TEST(Events, ReachEveryoneWhoListensFromThenOn) {
  Events events(kFirst);
  events.publish("server_state", {{"server", "before"}});
  const auto one = listen(events);
  const auto two = listen(events);
  events.publish("server_state", {{"server", "b1"}});
  for (const auto& stream : {one, two}) {
    const std::vector<ServerEvent> got = all_of(*stream);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].id, "5001");
    EXPECT_EQ(got[0].type, "server_state");
    const boost::json::value data = *parse_json(got[0].data);
    EXPECT_EQ(data.at("server").as_string(), "b1");
    EXPECT_EQ(data.at("at").as_string().size(), std::string_view("2026-03-01T12:00:00.125Z").size());
    EXPECT_EQ(stream->take(), "");
  }
  EXPECT_EQ(events.published().value(), 2U);
}

TEST(Events, GreetAtOnceSoThatAListenerKnowsThatItListens) {
  Events events;
  const auto stream = listen(events);
  EXPECT_TRUE(stream->take().ends_with("\n\n"));
  EXPECT_EQ(stream->take(), "");
  EXPECT_TRUE(stream->heartbeat().starts_with(":")) << "a comment";
  EXPECT_TRUE(EventReader().feed(stream->heartbeat()).empty());
}

TEST(Events, WakeWhoAskedForIt) {
  Events events;
  const auto stream = listen(events);
  int woken = 0;
  stream->on_more([&] { ++woken; });
  publish(events, 2);
  EXPECT_EQ(woken, 2);
  stream->on_more({});
  publish(events, 1);
  EXPECT_EQ(woken, 2);
}

TEST(Events, GoOnAfterTheLastOneThatWasSeen) {
  Events events(kFirst);
  publish(events, 10);
  const std::vector<ServerEvent> got = all_of(*listen(events, "5006"));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].id, "5007");
  EXPECT_TRUE(all_of(*listen(events, "5009")).empty()) << "nothing missed";
  EXPECT_EQ(all_of(*listen(events, "4999")).size(), 10U) << "the place before the first";
  EXPECT_EQ(events.lost().value(), 0U);
}

TEST(Events, WhoIsTooFarBehindIsToldHowManyItLost) {
  Events events(kFirst);
  const auto slow = listen(events);
  publish(events, kEventsKept + 7);
  const std::vector<ServerEvent> got = all_of(*slow);
  ASSERT_EQ(got.size(), kEventsKept + 1);
  EXPECT_EQ(got[0].type, "lost");
  EXPECT_EQ(got[0].id, "5006");
  EXPECT_EQ(parse_json(got[0].data)->at("count").to_number<int>(), 7);
  EXPECT_EQ(got[1].id, "5007");
  EXPECT_EQ(got.back().id, std::to_string(kFirst + kEventsKept + 6));
  EXPECT_EQ(events.lost().value(), 7U);
}

TEST(Events, AnIdOfAnotherProcessLosesWhatNobodyCanCount) {
  for (const char* id : {"0", "17", "4998", "5003", "99999999", "18446744073709551615"}) {
    SCOPED_TRACE(id);
    Events events(kFirst);
    publish(events, 3);
    const std::vector<ServerEvent> got = all_of(*listen(events, id));
    ASSERT_EQ(got.size(), 4U);
    EXPECT_EQ(got[0].type, "lost");
    EXPECT_TRUE(parse_json(got[0].data)->at("count").is_null());
    EXPECT_EQ(got[1].id, "5000");
  }
}

TEST(Events, PiecesAreBounded) {
  Events events(kFirst);
  const auto many = listen(events);
  const auto large = listen(events);
  (void)many->take();
  publish(events, kEventsKept);
  EXPECT_EQ(EventReader().feed(many->take()).size(), kEventsAPiece);

  (void)all_of(*large);
  for (int i = 0; i < 20; ++i) events.publish("reload", {{"text", std::string(60'000, 'x')}});
  EXPECT_LT(large->take().size(), 400'000U);
  EXPECT_EQ(all_of(*large).size(), 15U);
}

TEST(Events, OneThatIsTooLargeSaysOnlyHowLarge) {
  Events events(kFirst);
  const auto stream = listen(events);
  events.publish("reload", {{"text", std::string(kEventBytesKept, 'x')}});
  const std::vector<ServerEvent> got = all_of(*stream);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_GT(parse_json(got[0].data)->at("too_large_bytes").to_number<std::size_t>(), kEventBytesKept);
}

TEST(Events, AListenerMayOutliveThem) {
  std::optional<Events> events(std::in_place, kFirst);
  const auto stream = listen(*events);
  publish(*events, 1);
  events.reset();
  EXPECT_EQ(all_of(*stream).size(), 1U);
}

TEST(Events, ALastEventIdThatIsNoneIsAProblem) {
  Events events;
  for (const char* id : {"", "x", "5x", "-1", " 5", "5.0", "18446744073709551616"}) {
    Request request;
    request.headers.push_back({"Last-Event-ID", id});
    EXPECT_EQ(events.answer(request).status, 400U) << id;
    EXPECT_FALSE(parse_event_id(id)) << id;
  }
  const std::string longest = "18446744073709551615";
  for (std::size_t cut = 1; cut <= longest.size(); ++cut) EXPECT_TRUE(parse_event_id(longest.substr(0, cut))) << cut;
}

}  // namespace
}  // namespace holdfast::control
