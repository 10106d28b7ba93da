#include "control/json_body.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "control/json.h"

namespace holdfast::control {
namespace {

const std::vector<std::string_view> kKnown = {"state", "weight"};

Request with_body(std::string body, std::string type = "application/json") {
  Request request;
  request.method = Method::patch;
  request.body = std::move(body);
  if (!type.empty()) request.headers.push_back({"Content-Type", std::move(type)});
  return request;
}

TEST(JsonBody, IsAnObjectOfKnownKeys) {
  const auto object = read_json_body(with_body(" {\"state\": \"drain\", \"weight\": 5}\r\n"), kKnown);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("state").as_string(), "drain");
  EXPECT_EQ(object->at("weight").to_number<int>(), 5);
  EXPECT_TRUE(read_json_body(with_body("{}"), {})->empty());
  EXPECT_TRUE(read_json_body(with_body("", ""), kKnown)->empty()) << "no body at all";
}

TEST(JsonBody, OrTheProblemSaysWhatIsWrong) {
  struct Case {
    std::string body;
    const char* type;
    unsigned status;
    const char* says;
  };
  const Case cases[] = {
      {"{}", "", 415, "Content-Type: application/json"},
      {"{}", "text/plain", 415, "Content-Type: application/json"},
      {"{}", "application/jsonx", 415, "Content-Type: application/json"},
      {"{}", "application/x-www-form-urlencoded", 415, "Content-Type: application/json"},
      {"{\"state\" \"drain\"}", "application/json", 400, "at byte 10"},
      {"{} {}", "application/json", 400, "something after its end at byte 4"},
      {"{\"state\":", "application/json", 400, "incomplete JSON at byte 10"},
      {"  ", "application/json", 400, "incomplete JSON at byte 3"},
      {"{\"state\":\"\xff\"}", "application/json", 400, "not JSON"},
      {std::string(100, '['), "application/json", 400, "not JSON"},
      {"[]", "application/json", 400, "not a JSON object"},
      {"5", "application/json", 400, "not a JSON object"},
      {"null", "application/json", 400, "not a JSON object"},
      {"{\"wieght\":5}", "application/json", 400, "the key \"wieght\" is not known here; known are: state, weight"},
      {"{\"a\\n\":5}", "application/json", 400, "the key \"a%0A\" is not known here"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto object = read_json_body(with_body(c.body, c.type), kKnown);
    ASSERT_FALSE(object);
    EXPECT_EQ(object.problem().status, c.status);
    const boost::json::value document = *parse_json(object.problem().body);
    const std::string detail(document.at("detail").as_string());
    EXPECT_NE(detail.find(c.says), std::string::npos) << detail;
  }
}

TEST(JsonBody, TheTypeMayHaveParametersAndAnyCase) {
  for (const char* type : {"application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"}) {
    EXPECT_TRUE(read_json_body(with_body("{}", type), kKnown)) << type;
  }
}

TEST(JsonBody, EveryCutIsAProblemAndNothingElse) {
  const std::string body = R"({"state":"drain","weight":12})";
  for (std::size_t cut = 1; cut < body.size(); ++cut) {
    const auto object = read_json_body(with_body(body.substr(0, cut)), kKnown);
    ASSERT_FALSE(object) << cut;
    EXPECT_EQ(object.problem().status, 400U);
  }
}

TEST(JsonBody, AProblemListsWhatIsKnownForPrograms) {
  const auto object = read_json_body(with_body("{\"x\":1}"), kKnown);
  ASSERT_FALSE(object);
  EXPECT_EQ(parse_json(object.problem().body)->at("known"), boost::json::array({"state", "weight"}));
}

Request with_query(std::string_view query) {
  Request request;
  request.query = *parse_query(query);
  return request;
}

TEST(CheckQuery, FollowsItsTable) {
  struct Case {
    const char* query;
    const char* says;  // null: it is right
  };
  const Case cases[] = {
      {"", nullptr},
      {"state=a", nullptr},
      {"state=a&weight=5", nullptr},
      {"weight", nullptr},
      {"wieght=5", "the parameter \"wieght\" is not known here; known are: state, weight"},
      {"state=a&x=5", "the parameter \"x\" is not known here"},
      {"=5", "the parameter \"\" is not known here"},
      {"state=a&weight=5&state=a", "the parameter \"state\" is there twice"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.query);
    const auto wrong = check_query(with_query(c.query), kKnown);
    ASSERT_EQ(wrong.has_value(), c.says != nullptr);
    if (!wrong) continue;
    EXPECT_EQ(wrong->status, 400U);
    const boost::json::value document = *parse_json(wrong->body);
    EXPECT_NE(std::string(document.at("detail").as_string()).find(c.says), std::string::npos);
  }
  const auto none_known = check_query(with_query("a=1"), {});
  ASSERT_TRUE(none_known);
  EXPECT_NE(none_known->body.find("known are: none"), std::string::npos);
}

TEST(CheckQuery, EveryCutOfATargetIsRightOrAProblem) {
  const std::string target = "/v1/connections?state=%C3%A9+a&weight=5&state=%41";
  for (std::size_t cut = 1; cut <= target.size(); ++cut) {
    const auto parsed = parse_target(target.substr(0, cut));
    if (!parsed) continue;
    Request request;
    request.query = parsed->query;
    const auto wrong = check_query(request, kKnown);
    EXPECT_TRUE(!wrong || wrong->status == 400U);
  }
}

}  // namespace
}  // namespace holdfast::control
