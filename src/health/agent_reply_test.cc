#include "health/agent_reply.h"

#include <gtest/gtest.h>

namespace holdfast::health {
namespace {

using Mode = AgentReply::Mode;
using Life = AgentReply::Life;
using Weight = std::optional<std::uint32_t>;
constexpr std::nullopt_t kNone = std::nullopt;

struct Case {
  const char* line;
  std::optional<AgentReply> want;
};

const Case kCases[] = {
    {"75%", AgentReply{75, kNone, {}, {}, ""}},
    {"0%", AgentReply{0, kNone, {}, {}, ""}},
    {"250%", AgentReply{250, kNone, {}, {}, ""}},
    {"100001%", AgentReply{100'000, kNone, {}, {}, ""}},
    {"99999999999999999999%", AgentReply{100'000, kNone, {}, {}, ""}},
    {"maxconn:30", AgentReply{kNone, 30, {}, {}, ""}},
    {"MaxConn:0", AgentReply{kNone, 0, {}, {}, ""}},
    {"ready", AgentReply{kNone, kNone, Mode::ready, {}, ""}},
    {"drain", AgentReply{kNone, kNone, Mode::drain, {}, ""}},
    {"maint", AgentReply{kNone, kNone, Mode::maint, {}, ""}},
    {"up", AgentReply{kNone, kNone, {}, Life::up, ""}},
    {"Down", AgentReply{kNone, kNone, {}, Life::down, ""}},
    {"STOPPED", AgentReply{kNone, kNone, {}, Life::stopped, ""}},
    {"fail", AgentReply{kNone, kNone, {}, Life::fail, ""}},
    // Several words, in any order, with any separators; the last of a kind wins.
    {"up 50% maxconn:10", AgentReply{50, 10, {}, Life::up, ""}},
    {"75%,maxconn:30,maint,down", AgentReply{75, 30, Mode::maint, Life::down, ""}},
    {"\t ,,ready ,\tup, 10%,\t", AgentReply{10, kNone, Mode::ready, Life::up, ""}},
    {"up down 10% 20% drain ready", AgentReply{20, kNone, Mode::ready, Life::down, ""}},
    // Why.
    {"down#cause", AgentReply{kNone, kNone, {}, Life::down, "cause"}},
    {"down # \tdisk 95% full, up", AgentReply{kNone, kNone, {}, Life::down, "disk 95% full, up"}},
    {"fail out of memory", AgentReply{kNone, kNone, {}, Life::fail, "out of memory"}},
    {"fail out of memory # really", AgentReply{kNone, kNone, {}, Life::fail, "really"}},
    {"down#", AgentReply{kNone, kNone, {}, Life::down, ""}},
    {"# only a remark", AgentReply{kNone, kNone, {}, {}, "only a remark"}},
    {"down#\x1b[31m\xff\xc3\xa9", AgentReply{kNone, kNone, {}, Life::down, "?[31m?\xc3\xa9"}},
    // The line ends at the first CR or LF.
    {"up\n", AgentReply{kNone, kNone, {}, Life::up, ""}},
    {"up 5%\r\n", AgentReply{5, kNone, {}, Life::up, ""}},
    {"up\rdown", AgentReply{kNone, kNone, {}, Life::up, ""}},
    {"up\ndown", AgentReply{kNone, kNone, {}, Life::up, ""}},
    // No news.
    {"", AgentReply{}},
    {"\r\n", AgentReply{}},
    {"   ", AgentReply{}},
    {",\t,", AgentReply{}},
    // Words that are not known change nothing beside others; alone, they are no agent's.
    {"upp 50%", AgentReply{50, kNone, {}, {}, "upp"}},
    {"75%x up", AgentReply{kNone, kNone, {}, Life::up, "75%x"}},
    {"-5% maxconn:-1 maxconn: maxconn:1k % up",
     AgentReply{kNone, kNone, {}, Life::up, "-5% maxconn:-1 maxconn: maxconn:1k %"}},
    {"SSH-2.0-OpenSSH_9.2", kNone},
    {"hello # up", kNone},
    {"75 percent", kNone},
};

TEST(AgentReply, IsReadInTheWordsOfHaproxy) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.line);
    const auto got = parse_agent_reply(c.line);
    EXPECT_EQ(got, c.want);
    EXPECT_EQ(got.value_or(AgentReply{}).reason, c.want.value_or(AgentReply{}).reason);
  }
}

TEST(AgentReply, IsDownInThreeWords) {
  EXPECT_TRUE(parse_agent_reply("down")->is_down());
  EXPECT_TRUE(parse_agent_reply("stopped")->is_down());
  EXPECT_TRUE(parse_agent_reply("fail")->is_down());
  EXPECT_FALSE(parse_agent_reply("up")->is_down());
  EXPECT_FALSE(parse_agent_reply("maint 0%")->is_down());
}

TEST(AgentReply, ReasonIsBoundedAndEndsWithAWholeCharacter) {
  std::string long_reason;
  while (long_reason.size() < 1000) long_reason += "\xe2\x82\xac";
  EXPECT_EQ(parse_agent_reply("down#" + long_reason)->reason, long_reason.substr(0, 198));
}

TEST(AgentReply, EveryPrefixOfALineIsSafe) {
  for (const Case& c : kCases) {
    const std::string_view line = c.line;
    for (std::size_t cut = 0; cut < line.size(); ++cut) (void)parse_agent_reply(line.substr(0, cut));
  }
}

}  // namespace
}  // namespace holdfast::health
