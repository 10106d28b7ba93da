#include <gtest/gtest.h>

#include "admin/test_faces.h"

namespace holdfast::admin {
namespace {

using control::Method;
using Run = ReloadOrder::Run;
using Runtime = ReloadOrder::Runtime;

TEST(ReloadRoutes, ShowWhatChangesAndWhatBecomesOfConnections) {
  Fakes fakes;
  fakes.reload_answer = ReloadReport{
      .took_seconds = 0.25,
      .changes = {{"pool brokers, server b1", "changed", "weight", "100", "50", "new_connections", 12, "stay"}},
      .runtime = {{{"pool brokers, server b2: state", "ready", "maint"}, true}}};
  Client client(fakes.all());
  const auto answer = client.ask(Method::post, "/v1/reload");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(json_of(answer), boost::json::parse(R"({"dry_run": false, "changed": true, "took_seconds": 0.25,
    "changes": [{"what": "pool brokers, server b1", "change": "changed", "key": "weight", "from": "100", "to": "50",
                 "applies": "new_connections", "connections": 12, "effect": "stay"}],
    "runtime": [{"what": "pool brokers, server b2: state", "file": "ready", "now": "maint", "kept": true}]})"));
  fakes.reload_answer = ReloadReport{};
  EXPECT_EQ(json_of(client.ask(Method::post, "/v1/reload")).at("changed").as_bool(), false);
}

TEST(ReloadRoutes, TheOrderIsPassedOn) {
  Fakes fakes;
  Client client(fakes.all());
  client.ask(Method::post, "/v1/reload", "{}");
  const auto dry = client.ask(Method::post, "/v1/reload", R"({"dry_run": true})");
  client.ask(Method::post, "/v1/reload", R"({"keep_runtime": true, "dry_run": false})");
  EXPECT_TRUE(json_of(dry).at("dry_run").as_bool());
  ASSERT_EQ(fakes.orders.size(), 3U);
  EXPECT_TRUE(fakes.orders[0].run == Run::apply && fakes.orders[0].runtime == Runtime::drop);
  EXPECT_TRUE(fakes.orders[1].run == Run::dry && fakes.orders[1].runtime == Runtime::drop);
  EXPECT_TRUE(fakes.orders[2].run == Run::apply && fakes.orders[2].runtime == Runtime::keep);
}

TEST(ReloadRoutes, AFaultyFileIs422WithEveryFault) {
  Fakes fakes;
  fakes.reload_answer = Refusal{Refusal::Why::invalid,
                                "the file has 2 faults; nothing has changed",
                                {{"e.toml", 3, 1, "unknown key `x`"}, {"e.toml", 0, 0, "no listener"}}};
  const auto answer = Client(fakes.all()).ask(Method::post, "/v1/reload");
  EXPECT_EQ(answer.status, 422U);
  EXPECT_EQ(json_of(answer).at("faults"),
            boost::json::parse(R"(["e.toml:3:1: unknown key `x`", "e.toml: no listener"])"));
}

TEST(ReloadRoutes, OtherRefusalsHaveTheirStatus) {
  Fakes fakes;
  Client client(fakes.all());
  fakes.reload_answer = Refusal{Refusal::Why::conflict, "the node is draining"};
  EXPECT_EQ(client.ask(Method::post, "/v1/reload").status, 409U);
  fakes.reload_answer = Refusal{Refusal::Why::failed, "0.0.0.0:80: Permission denied"};
  EXPECT_EQ(client.ask(Method::post, "/v1/reload").status, 500U);
}

TEST(ReloadRoutes, AWrongOrderIsRefused) {
  Fakes fakes;
  Client client(fakes.all());
  EXPECT_EQ(client.ask(Method::post, "/v1/reload", R"({"dry_run": "yes"})").status, 400U);
  EXPECT_EQ(known_of(client.ask(Method::post, "/v1/reload", R"({"dry": true})")), "dry_run keep_runtime");
  EXPECT_TRUE(fakes.orders.empty());
}

TEST(ConfigRoute, ShowsWhatCommandsHaveChanged) {
  Fakes fakes;
  fakes.node.config.file = "/etc/e.toml";
  fakes.differences = {{"pool brokers, server b1: weight", "100", "50"}};
  EXPECT_EQ(json_of(Client(fakes.all()).get("/v1/config")), boost::json::parse(R"({"file": "/etc/e.toml",
    "runtime": [{"what": "pool brokers, server b1: weight", "file": "100", "now": "50"}]})"));
}

}  // namespace
}  // namespace holdfast::admin
