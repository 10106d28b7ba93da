#include "control/http_message.h"

#include <gtest/gtest.h>

#include "control/json.h"

namespace holdfast::control {
namespace {

//= RFC9457 3.1 type=test
TEST(Problem, IsAProblemDocument) {
  const Response response = problem(404, "there is no pool \"x\"\n");
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"there is no pool \\\"x\\\"\\n\"}\n");
}

TEST(Problem, IsJsonWhateverItQuotes) {
  for (const std::string& detail : {std::string("\xff\xfe"), std::string("a\0b", 3), std::string("\x01\x1f\x7f")}) {
    EXPECT_TRUE(parse_json(problem(400, detail).body)) << detail;
  }
}

TEST(Problem, MayListWhatIsKnownAndEachFault) {
  using Names = std::vector<std::string>;
  const Response response = problem(422, "two faults", {.known = Names{"a", "\xff"}, .faults = Names{"x", "y"}});
  const auto document = parse_json(response.body);
  ASSERT_TRUE(document) << response.body;
  EXPECT_EQ(document->at("known").as_array().size(), 2U);
  EXPECT_EQ(document->at("known").at(0).as_string(), "a");
  EXPECT_EQ(document->at("faults").at(1).as_string(), "y");
  const auto nothing_known = parse_json(problem(404, "none", {.known = Names{}}).body);
  EXPECT_TRUE(nothing_known->at("known").as_array().empty());
  EXPECT_FALSE(nothing_known->as_object().contains("faults"));
  const auto much_known = parse_json(problem(404, "none of many", {.known = Names(101, "a")}).body);
  EXPECT_EQ(much_known->at("known").as_array().size(), 100U);
}

TEST(Method, NamesReadBack) {
  for (const Method method :
       {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options}) {
    EXPECT_EQ(parse_method(name(method)), method);
  }
  EXPECT_EQ(name(Method::del), "DELETE");
  for (const char* text : {"", "get", "GETS", "BREW"}) EXPECT_FALSE(parse_method(text));
}

TEST(Request, FindsWhatItHas) {
  Request request;
  request.path_parameters = {{"pool", "a"}};
  request.query = {{"x", "1"}, {"x", "2"}};
  request.headers = {{"If-Match", "\"7\""}};
  EXPECT_EQ(request.path_parameter("pool"), "a");
  EXPECT_DEATH((void)request.path_parameter("other"), "");
  EXPECT_EQ(*request.find_query("x"), "1");
  EXPECT_EQ(request.find_query("y"), nullptr);
  EXPECT_EQ(*request.find_header("if-match"), "\"7\"");
  EXPECT_EQ(request.find_header("if-matc"), nullptr);
}

TEST(Json, ReadsOneWholeValueOfUtf8) {
  EXPECT_EQ(parse_json(R"({"a":[1,2]})")->at("a").as_array().size(), 2U);
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  for (const std::string& text : {std::string(""), std::string("{"), std::string("{} x"), std::string("{\"a\":1,}"),
                                  std::string("\"\xff\""), std::string("nul"), std::string("[1 2]"), deep}) {
    const auto got = parse_json(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, base::Errc::malformed);
    EXPECT_EQ(got.error().side, base::Side::client);
  }
}

TEST(Json, IsAnAnswer) {
  const Response response = json_response({{"a", 1}}, 201);
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{\"a\":1}\n");
}

}  // namespace
}  // namespace holdfast::control
