#include "control/router.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>

namespace holdfast::control {
namespace {

// Runs a task that only waits for what can be had at once.
template <typename T>
T run_now(Task<T> task) {
  boost::asio::io_context context;
  auto result = boost::asio::co_spawn(context, std::move(task), boost::asio::use_future);
  context.run();
  return result.get();
}

Router::Handler say(std::string route) {
  return [route](const Request& request) {
    Response response{.body = route};
    for (const NamedValue& p : request.path_parameters) response.body += " " + p.name + "=" + p.value;
    return response;
  };
}

Router sample_router() {
  Router router;
  for (const char* pattern : {"/", "/metrics", "/v1/pools", "/v1/pools/{pool}", "/v1/pools/all",
                              "/v1/pools/{pool}/servers/{name}", "/v1/{kind}/x/servers", "/v1/pools/{pool}/servers"}) {
    router.add(Method::get, pattern, say(pattern));
  }
  router.add(Method::del, "/v1/pools/{pool}", say("delete"));
  router.add(Method::put, "/v1/pools/{pool}", [](Request request) -> Task<Response> {
    co_return Response{.status = 201, .body = "put " + request.path_parameter("pool")};
  });
  return router;
}

TEST(Router, FollowsItsTable) {
  struct Case {
    Method method;
    const char* path;
    unsigned status;
    const char* body = nullptr;
  };
  const Case cases[] = {
      {Method::get, "/", 200, "/"},
      {Method::get, "/metrics", 200, "/metrics"},
      {Method::head, "/metrics", 200, "/metrics"},
      {Method::get, "/v1/pools", 200, "/v1/pools"},
      {Method::get, "/v1/pools/a", 200, "/v1/pools/{pool} pool=a"},
      {Method::get, "/v1/pools/all", 200, "/v1/pools/all"},
      {Method::get, "/v1/pools/a%2Fb", 200, "/v1/pools/{pool} pool=a/b"},
      {Method::get, "/v1/p%6Fols", 200, "/v1/pools"},
      {Method::get, "/v1/pools/a/servers/b", 200, "/v1/pools/{pool}/servers/{name} pool=a name=b"},
      {Method::get, "/v1/pools/x/servers", 200, "/v1/pools/{pool}/servers pool=x"},
      {Method::get, "/v1/nodes/x/servers", 200, "/v1/{kind}/x/servers kind=nodes"},
      {Method::del, "/v1/pools/a", 200, "delete pool=a"},
      {Method::put, "/v1/pools/a", 201, "put a"},
      {Method::get, "", 404},
      {Method::get, "metrics", 404},
      {Method::get, "//", 404},
      {Method::get, "/metrics/", 404},
      {Method::get, "/Metrics", 404},
      {Method::get, "/v1/pools/", 404},
      {Method::get, "/v1/pools/a/servers/", 404},
      {Method::get, "/v1/pools/a/servers/b/c", 404},
      {Method::get, "/v1/pools/%", 400},
      {Method::get, "/v1/pools/%4", 400},
      {Method::get, "/v1/pools/%g0", 400},
      {Method::get, "/v1/pools/%00", 400},
      {Method::get, "/v1/pools/%C3", 400},
      {Method::post, "/metrics", 405},
      {Method::post, "/v1/pools/all", 405},
  };
  const Router router = sample_router();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    Request request;
    request.method = c.method;
    request.path = c.path;
    const Response response = run_now(router.handle(request));
    EXPECT_EQ(response.status, c.status) << response.body;
    if (c.body != nullptr) {
      EXPECT_EQ(response.body, c.body);
    }
  }
}

TEST(Router, A405NamesEveryMethodOfThePath) {
  const Router router = sample_router();
  Request request;
  request.method = Method::post;
  request.path = "/v1/pools/a";
  const Response response = run_now(router.handle(request));
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0], (NamedValue{"Allow", "GET, HEAD, DELETE, PUT"}));
  EXPECT_NE(response.body.find("/v1/pools/{pool} takes GET, HEAD, DELETE, PUT, not POST"), std::string::npos);
}

TEST(Router, A404ShowsWhatThereIsAndNoRawBytes) {
  const Router router = sample_router();
  Request request;
  request.path = "/x\"\n\xff" + std::string(10'000, 'y');
  request.path.erase(4, 1);  // without the byte that is no UTF-8, which is a 400
  const Response response = run_now(router.handle(request));
  EXPECT_EQ(response.status, 404U);
  EXPECT_NE(response.body.find("there is nothing at /x\\\"%0Ayyy"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("/v1/pools/{pool}/servers/{name}"), std::string::npos);
  EXPECT_LT(response.body.size(), 1'000U);
}

TEST(Router, AmbiguousRoutesAreProgrammingErrors) {
  Router router = sample_router();
  EXPECT_DEATH(router.add(Method::get, "/metrics", say("")), "") << "twice";
  EXPECT_DEATH(router.add(Method::post, "/v1/pools/{other}", say("")), "") << "another name for the same place";
  EXPECT_DEATH(router.add(Method::head, "/new", say("")), "") << "GET answers HEAD";
  EXPECT_DEATH(router.add(Method::get, "new", say("")), "") << "no slash";
}

}  // namespace
}  // namespace holdfast::control
