#include "discovery/json_document.h"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::discovery {
namespace {

using config::Faults;
using config::Position;
using config::Value;

std::string faults_of(std::string_view text) {
  Faults faults;
  const auto value = read_json(text, faults);
  std::string out;
  for (const config::Fault& fault : faults.in_file_order("f")) out += to_text(fault) + "\n";
  EXPECT_EQ(value.has_value(), out.empty()) << text;
  return out;
}

//= RFC8259 2 type=test
TEST(ReadJson, SaysWhatIsNoJsonAndWhere) {
  struct Case {
    std::string_view text;
    std::string_view faults;
  };
  const std::string deep(33, '[');
  const Case cases[] = {
      {"", "f:1:1: not valid JSON, incomplete JSON\n"},
      {"{", "f:1:1: not valid JSON, incomplete JSON\n"},
      {"{}}", "f:1:2: not valid JSON, there is more after its end\n"},
      {"{}\n {}", "f:2:2: not valid JSON, there is more after its end\n"},
      {"{\"a\": nul}", "f:1:7: not valid JSON, syntax error\n"},
      {"{\"a\":\n  [1, 2,\n   x]}", "f:3:4: not valid JSON, syntax error\n"},
      {"{\"\xC3\xA4\": +1}", "f:1:7: not valid JSON, syntax error\n"},
      {"{\"a\": \"\xFF\"}", "f:1:7: not valid JSON, syntax error\n"},
      {"[1,]", "f:1:4: not valid JSON, syntax error\n"},
      {"[1] // one", "f:1:2: not valid JSON, there is more after its end\n"},
      {"\xEF\xBB\xBF[]", "f:1:1: not valid JSON, syntax error\n"},
      {"{\"a\": null,\n \"b\": [null]}",
       "f:1:7: null is no value; leave the key out\nf:2:8: null is no value; leave the key out\n"},
      {"{\"a\": 1, \"b\": 2,\n \"a\": 3}", "f:2:2: the key \"a\" is there twice; the first is at line 1\n"},
      {deep, "f:1:33: not valid JSON, too deep\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(faults_of(c.text), c.faults) << c.text;
}

TEST(ReadJson, ValuesKnowTheirPlace) {
  Faults faults;
  const auto root = read_json(R"({
  "text": "a,b:{[\"\u00e4\n",
  "list": [ 1, -2.5, true, 18446744073709551615 ],
  "inner": {"x": {}}
}
)",
                              faults);
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->position, (Position{1, 1}));
  const Value* text = root->find("text");
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(*text->as<std::string>(), "a,b:{[\"\xC3\xA4\n");
  EXPECT_EQ(text->position, (Position{2, 11}));
  const config::List& list = *root->find("list")->as<config::List>();
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(*list[0].as<std::int64_t>(), 1);
  EXPECT_EQ(list[0].position, (Position{3, 13}));
  EXPECT_EQ(*list[1].as<double>(), -2.5);
  EXPECT_EQ(list[1].position, (Position{3, 16}));
  EXPECT_TRUE(*list[2].as<bool>());
  EXPECT_EQ(*list[3].as<double>(), 18446744073709551615.0);
  EXPECT_EQ(list[3].position, (Position{3, 28}));
  const config::Members& members = *root->as<config::Members>();
  EXPECT_EQ(members[2].key, "inner");
  EXPECT_EQ(members[2].key_position, (Position{4, 3}));
  EXPECT_EQ(root->find("inner")->find("x")->position, (Position{4, 18}));
}

}  // namespace
}  // namespace holdfast::discovery
