#include "control/event_reader.h"

#include <gtest/gtest.h>

namespace holdfast::control {
namespace {

struct Case {
  const char* name;
  std::string text;
  std::vector<ServerEvent> events;
};

//= HTML 9.2.6 type=test
TEST(EventReader, FollowsItsTableHoweverTheTextIsCut) {
  std::string large_data = "data: ";
  large_data.append(kEventBytesMax, 'x').append("\n\ndata: 2\n\n");
  std::string large_line(kEventBytesMax + 1, 'x');
  large_line.append("\n\ndata: 2\n\n");
  const Case cases[] = {
      {"ours", "id: 7\nevent: alarm\ndata: {\"a\":1}\n\n", {{"7", "alarm", "{\"a\":1}"}}},
      {"two", "id: 7\nevent: a\ndata: 1\n\ndata: 2\n\n", {{"7", "a", "1"}, {"7", "message", "2"}}},
      {"comments", ": holdfast\nretry: 2000\n\n:\n\ndata: 1\n\n", {{"", "message", "1"}}},
      {"several lines of data", "data: 1\ndata:\ndata: 2\n\n", {{"", "message", "1\n\n2"}}},
      {"no space, or two", "data:1\n\ndata:  2\n\n", {{"", "message", "1"}, {"", "message", " 2"}}},
      {"carriage returns",
       "data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n",
       {{"", "message", "1"}, {"", "message", "2"}, {"", "message", "3"}}},
      {"no data", "event: x\nid: 9\n\n", {}},
      {"a field without a colon", "data\n\nnonsense\n\n", {{"", "message", ""}}},
      {"not complete", "data: 1\n", {}},
      {"too large", large_data, {{"", "message", "2"}}},
      {"too large a line", large_line, {{"", "message", "2"}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(EventReader().feed(c.text), c.events);
    const std::size_t step = c.text.size() < 1'000 ? 1 : 100'003;
    for (std::size_t cut = 0; cut < c.text.size(); cut += step) {
      EventReader reader;
      std::vector<ServerEvent> events = reader.feed(std::string_view(c.text).substr(0, cut));
      for (ServerEvent& event : reader.feed(std::string_view(c.text).substr(cut))) events.push_back(std::move(event));
      ASSERT_EQ(events, c.events) << cut;
    }
  }
}

}  // namespace
}  // namespace holdfast::control
