#include <gtest/gtest.h>

#include "admin/test_faces.h"

namespace holdfast::admin {
namespace {

using control::Method;
using Sort = entry::ConnectionQuery::Sort;

TEST(ConnectionRoutes, ShowEveryField) {
  Fakes fakes;
  fakes.page.connections = {{.id = 9,
                             .client = "10.1.1.1:5",
                             .listener = "mqtt",
                             .pool = "brokers",
                             .server = "b1",
                             .server_address = "10.0.0.1:1883",
                             .stage = "relaying",
                             .age_seconds = 5,
                             .idle_seconds = 1,
                             .bytes_from_client = 10,
                             .bytes_from_server = 20,
                             .connect_seconds = 0.5,
                             .worker = 1},
                            {.id = 10, .client = "unix", .listener = "mqtt", .pool = "brokers", .stage = "waiting"}};
  fakes.page.next = 10;
  fakes.page.matched = 5;
  const auto answer = Client(fakes.all()).get("/v1/connections");
  EXPECT_EQ(json_of(answer), boost::json::parse(R"({"connections": [
    {"id": 9, "client": "10.1.1.1:5", "listener": "mqtt", "pool": "brokers", "server": "b1",
     "server_address": "10.0.0.1:1883", "stage": "relaying", "age_seconds": 5.0, "idle_seconds": 1.0,
     "bytes_from_client": 10, "bytes_from_server": 20, "connect_seconds": 0.5, "worker": 1, "mqtt": null},
    {"id": 10, "client": "unix", "listener": "mqtt", "pool": "brokers", "server": null, "server_address": null,
     "stage": "waiting", "age_seconds": 0.0, "idle_seconds": 0.0, "bytes_from_client": 0, "bytes_from_server": 0,
     "connect_seconds": null, "worker": 0, "mqtt": null}], "next": 10, "matched": 5})"));
  fakes.page = {};
  EXPECT_TRUE(json_of(Client(fakes.all()).get("/v1/connections")).at("next").is_null());
}

TEST(ConnectionRoutes, ShowWhatTheBrokerKnows) {
  Fakes fakes;
  fakes.page.connections = {{.id = 300, .client = "unix", .listener = "m", .stage = "open"}};
  fakes.page.connections[0].mqtt = entry::MqttInfo{.client_id = "c", .user = "", .version = "5.0"};
  const auto answer = json_of(Client(fakes.all()).get("/v1/connections")).at("connections").at(0);
  EXPECT_TRUE(answer.at("pool").is_null());
  EXPECT_EQ(answer.at("mqtt"), boost::json::parse(R"({"client_id": "c", "user": null, "version": "5.0"})"));
}

TEST(ConnectionRoutes, CloseAClientByItsName) {
  Fakes fakes;
  Client client(fakes.all());
  EXPECT_EQ(client.ask(control::Method::del, "/v1/clients/c%2F1").status, 204U);
  const auto answer = client.ask(control::Method::del, "/v1/clients/none");
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(detail_of(answer), "there is no client \"none\"");
}

TEST(ConnectionRoutes, EveryParameterIsPassedOn) {
  Fakes fakes;
  Client client(fakes.all());
  EXPECT_EQ(
      client
          .get("/v1/connections?listener=mqtt&pool=brokers&server=b1&client_id=a%2Fb&address=10.0.0.0/8&min_age=1m30s"
               "&min_idle=5s&min_bytes=64KiB&sort=idle&limit=1000")
          .status,
      200U);
  const entry::ConnectionQuery& query = fakes.queries.at(0);
  EXPECT_EQ(query.listener, "mqtt");
  EXPECT_EQ(query.pool, "brokers");
  EXPECT_EQ(query.server, "b1");
  EXPECT_EQ(query.client_id, "a/b");
  EXPECT_EQ(query.address->text(), "10.0.0.0/8");
  EXPECT_EQ(query.min_age, std::chrono::seconds(90));
  EXPECT_EQ(query.min_idle, std::chrono::seconds(5));
  EXPECT_EQ(query.min_bytes, 65'536U);
  EXPECT_EQ(query.sort, Sort::idle);
  EXPECT_EQ(query.limit, 1000U);
  EXPECT_FALSE(query.after);

  EXPECT_EQ(client.get("/v1/connections?after=1795170189239941&address=::1").status, 200U);
  EXPECT_EQ(fakes.queries.at(1).after, 1'795'170'189'239'941U);
  EXPECT_EQ(fakes.queries.at(1).limit, 100U);
  EXPECT_EQ(fakes.queries.at(1).sort, Sort::id);
  EXPECT_EQ(fakes.queries.at(1).address->text(), "::1/128");
}

TEST(ConnectionRoutes, AWrongParameterIsRefused) {
  Fakes fakes;
  Client client(fakes.all());
  const std::pair<const char*, const char*> table[] = {
      {"limit=0", "`limit` must be a whole number from 1 to 1000; found the text \"0\""},
      {"limit=1001", "`limit` must be"},
      {"limit=-1", "`limit` must be"},
      {"limit=5x", "`limit` must be"},
      {"limit=", "`limit` must be"},
      {"after=9007199254740992", "`after` must be"},
      {"sort=size", "`sort` must be"},
      {"sort=age&after=5", "`after` goes with `sort=id` only"},
      {"address=10.0.0.0/33", "`address` must be"},
      {"min_age=5", "`min_age` must be a duration"},
      {"min_bytes=1KB", "`min_bytes` must be"},
      {"min_idle=1s&min_idle=2s", "`min_idle` is there twice"},
      {"limit=0&sort=x", "`limit` must be"},
  };
  for (const auto& [query, detail] : table) {
    const auto answer = client.get(std::string("/v1/connections?") + query);
    EXPECT_EQ(answer.status, 400U) << query;
    EXPECT_NE(detail_of(answer).find(detail), std::string::npos) << answer.body;
  }
  EXPECT_TRUE(fakes.queries.empty());
}

TEST(ConnectionRoutes, ANameThatIsNowhereIsRefusedWithThoseThatAre) {
  Fakes fakes;
  fakes.status.pools.push_back({.name = "other"});
  Client client(fakes.all());
  const std::pair<const char*, const char*> table[] = {
      {"listener=x", "mqtt"}, {"pool=x", "brokers other"}, {"server=x", "b1 b2"}, {"pool=other&server=b1", ""}};
  for (const auto& [query, known] : table) {
    const auto answer = client.get(std::string("/v1/connections?") + query);
    EXPECT_EQ(answer.status, 400U) << query;
    EXPECT_EQ(known_of(answer), known);
  }
}

TEST(ConnectionRoutes, TooManySearchesAre503) {
  Fakes fakes;
  fakes.page.busy = true;
  const auto answer = Client(fakes.all()).get("/v1/connections");
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.headers.at(0), (control::NamedValue{"Retry-After", "1"}));
}

TEST(ConnectionRoutes, ASearchKnowsWhetherSomebodyWaits) {
  Fakes fakes;
  Faces faces = fakes.all();
  bool waited_for = false;
  std::weak_ptr<const void> asker;
  faces.find_connections = [&](const entry::ConnectionQuery& query,
                               const std::function<void(entry::ConnectionPage)>& answer) {
    asker = query.asker.value();
    waited_for = !asker.expired();
    answer({});
  };
  EXPECT_EQ(Client(faces).get("/v1/connections").status, 200U);
  EXPECT_TRUE(waited_for);
  EXPECT_TRUE(asker.expired());
}

TEST(ConnectionRoutes, OneIsClosed) {
  Fakes fakes;
  Client client(fakes.all());
  const auto closed = client.ask(Method::del, "/v1/connections/7");
  EXPECT_EQ(closed.status, 204U);
  EXPECT_EQ(closed.body, "");
  const auto gone = client.ask(Method::del, "/v1/connections/8");
  EXPECT_EQ(gone.status, 404U);
  EXPECT_EQ(detail_of(gone), "there is no connection 8");
  for (const char* id : {"x", "7x", "-7", "99999999999999999999999"}) {
    EXPECT_EQ(client.ask(Method::del, std::string("/v1/connections/") + id).status, 400U) << id;
  }
}

}  // namespace
}  // namespace holdfast::admin
