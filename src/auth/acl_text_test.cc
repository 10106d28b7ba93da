#include "auth/acl_text.h"

#include <gtest/gtest.h>

namespace holdfast::auth {
namespace {

std::string lines_of(const config::Faults& faults) {
  std::string lines;
  for (const config::Fault& each : faults.in_file_order("acl")) lines += to_text(each) + "\n";
  return lines;
}

std::string rules_of(std::string_view text) {
  config::Faults faults;
  std::string lines;
  for (const Rule& each : read_acl(text, faults)) lines += std::to_string(each.line) + ": " + to_text(each) + "\n";
  EXPECT_EQ(lines_of(faults), "") << text;
  return lines;
}

TEST(ReadAcl, ReadsRulesAndSkipsComments) {
  EXPECT_EQ(rules_of("# who watches\n"
                     "allow user dashboard subscribe $SYS/#\r\n"
                     "\n"
                     "  \t# indented\n"
                     "allow\taddress 127.0.0.1  all $SYS/# #\n"
                     "deny all subscribe $SYS/# eq #\n"
                     "allow client \"a \\\"b\\\" \\\\\" publish to/%c/# \"eq\" %u\n"
                     "allow all all #"),
            "2: allow user \"dashboard\" subscribe \"$SYS/#\"\n"
            "5: allow address 127.0.0.1/32 all \"$SYS/#\" \"#\"\n"
            "6: deny all subscribe \"$SYS/#\" eq \"#\"\n"
            "7: allow client \"a \\\"b\\\" \\\\\" publish \"to/%c/#\" \"eq\" \"%u\"\n"
            "8: allow all all \"#\"\n");
  EXPECT_EQ(rules_of(""), "");
  EXPECT_EQ(rules_of("\n\n#"), "");
}

TEST(ReadAcl, SaysWhereAndWhatIsWrong) {
  struct Case {
    const char* line;
    const char* want;
  };
  constexpr std::string_view kForm =
      "a rule is: allow|deny user NAME|client ID|address NETWORK|all publish|subscribe|all FILTER...";
  for (const Case& c :
       {Case{"alow all all #",
             "1:1: here must stand one of \"allow\", \"deny\"; found \"alow\"; did you mean \"allow\"?"},
        {"allow everybody all #",
         "1:7: here must stand one of \"user\", \"client\", \"address\", \"all\"; found \"everybody\""},
        {"allow user ann pub #", "1:16: here must stand one of \"publish\", \"subscribe\", \"all\"; found \"pub\""},
        {"allow", "1:6: the line ends where one of \"user\", \"client\", \"address\", \"all\" should stand; $"},
        {"deny user", "1:10: the line ends where the name of a user should stand; $"},
        {"deny all all", "1:13: the line ends where a filter should stand; $"},
        {"deny all all eq", "1:16: the line ends where the filter that `eq` is about should stand; $"},
        {"deny address 10.0.0.1/8 all #",
         "1:14: here must stand a network, such as 10.0.0.0/8, or an address; found \"10.0.0.1/8\"; did you mean "
         "\"10.0.0.0/8\"?"},
        {"deny address ten all #", "1:14: here must stand a network, such as 10.0.0.0/8, or an address; found \"ten\""},
        {"allow user \"\" all #", "1:12: this name is empty; nobody is called so"},
        {"allow all all a/#/b", "1:15: here must stand a filter of topics, such as site/+/door/#; found \"a/#/b\""},
        {"allow all all eq %x/a a/%x",
         "1:23: \"%x\" stands for nothing; there are %u, the user name, and %c, the client id; as it is written it "
         "stands only behind `eq`"},
        {"allow all all a #comment",
         "1:17: here must stand a filter of topics, such as site/+/door/#; found \"#comment\"; a comment has a line of "
         "its own"},
        {"allow user \"ann all #", "1:12: the closing quote is missing"},
        {"allow user \"ann\"x all #", "1:17: a blank must follow the closing quote"},
        {"allow user \"a\\n\" all #",
         "1:14: in quotes a backslash stands before a quote or a backslash: `\\\"`, `\\\\`"},
        {"allow user \xC3\xA4 all a\xC3\xA4/#b",
         "1:18: here must stand a filter of topics, such as site/+/door/#; found \"a\xC3\xA4/#b\""},
        {"allow all all \xFF", "1:1: this line is not UTF-8; save the file in that encoding"},
        {"allow all\x01 all #", "1:10: this is a control character"}}) {
    config::Faults faults;
    EXPECT_TRUE(read_acl(c.line, faults).empty()) << c.line;
    std::string want = "acl:" + std::string(c.want) + "\n";
    if (const auto mark = want.find('$'); mark != std::string::npos) want.replace(mark, 1, kForm);
    EXPECT_EQ(lines_of(faults), want);
  }
}

TEST(ReadAcl, GoesOnBehindABadLine) {
  config::Faults faults;
  EXPECT_EQ(read_acl("x\nallow all all #\ny\n", faults).size(), 1U);
  EXPECT_EQ(faults.in_file_order("acl").size(), 2U);
}

TEST(ReadAcl, HasItsLimits) {
  config::Faults faults;
  EXPECT_TRUE(read_acl("allow all all " + std::string(kLineBytesMax, 'a'), faults).empty());
  EXPECT_EQ(lines_of(faults), "acl:1:1: this line is too long; it may have 65536 bytes\n");
  std::string many;
  for (std::size_t i = 0; i <= kRulesMax + 5; ++i) many += "deny all all a\n";
  config::Faults too_many;
  (void)read_acl(many, too_many);
  EXPECT_EQ(lines_of(too_many), "acl:200001:1: there are too many rules; a file may have 200000\n");
}

TEST(ReadAcl, SurvivesBeingCutAtEveryByte) {
  constexpr std::string_view kText =
      "# c\nallow user \"a \\\"b\" publish %u/%c eq # \ndeny address 10.0.0.0/8 all a/+\r\nallow client c all #\n";
  for (std::size_t cut = 0; cut <= kText.size(); ++cut) {
    config::Faults faults;
    const auto rules = read_acl(kText.substr(0, cut), faults);
    ASSERT_LE(rules.size(), 3U);
    ASSERT_LE(faults.in_file_order("acl").size(), 1U);
  }
}

}  // namespace
}  // namespace holdfast::auth
