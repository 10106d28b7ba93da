#include "client/table.h"

#include <gtest/gtest.h>

namespace holdfast::app {
namespace {

Table two_servers() {
  Table table({{"SERVER"}, {"CONNECTIONS", Align::right}, {"STATE"}});
  table.add({"b1", "7", {"UP", Colour::good}});
  table.add({"a-long-name", "12345", {"DOWN", Colour::bad}});
  return table;
}

TEST(Table, AlignsNumbersRightAndLeavesNoSpaceAtTheEnd) {
  EXPECT_EQ(two_servers().text(Paint::plain),
            "SERVER       CONNECTIONS  STATE\n"
            "b1                     7  UP\n"
            "a-long-name        12345  DOWN\n");
}

TEST(Table, ColoursTheTextAndNotTheSpace) {
  const auto lines = two_servers().lines(Paint::coloured);
  EXPECT_EQ(lines[1], "b1                     7  \x1b[32mUP\x1b[0m");
}

TEST(Table, CutsEveryLineAtTheWidthThatThereIs) {
  const auto lines = two_servers().lines(Paint::plain, 20);
  EXPECT_EQ(lines[0], "SERVER       CONNECT");
  EXPECT_EQ(lines[1], "b1");
  EXPECT_EQ(lines[2], "a-long-name        1");
  for (const std::string& line : two_servers().lines(Paint::plain, 0)) EXPECT_EQ(line, "");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({{"NAME"}, {"N"}});
  table.add({"münchen", "1"});
  table.add({"bonn", "2"});
  EXPECT_EQ(table.text(Paint::plain), "NAME     N\nmünchen  1\nbonn     2\n");
}

TEST(Clean, LeavesNothingThatMovesTheCursor) {
  EXPECT_EQ(clean("a\x1b[2Jb\n\r\t\x7f"), "a?[2Jb????");
  EXPECT_EQ(clean("a\xC2\x9B"
                  "2Jb"),
            "a?2Jb")
      << "the one-character form of ESC [";
  EXPECT_EQ(clean("\xC2\xA0ü"), "\xC2\xA0ü") << "what is no control character stays";
}

TEST(Cut, KeepsCharactersWhole) {
  EXPECT_EQ(cut("äöü", 2), "äö");
  EXPECT_EQ(cut("äöü", 3), "äöü");
  EXPECT_EQ(cut("äöü", 0), "");
  EXPECT_EQ(width_of("äöü"), 3U);
}

}  // namespace
}  // namespace holdfast::app
