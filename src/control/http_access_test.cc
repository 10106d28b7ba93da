// Who may ask, and how often: the bearer token, the rate of a peer, the mode and group of a unix socket.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "base/temporary_directory.h"
#include "control/http_server.h"
#include "control/http_test_client.h"

namespace holdfast::control {
namespace {

std::string get_with(std::string_view target, std::string_view authorization) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + std::string(authorization) +
         "\r\n\r\n";
}

void become_nobody() {
  constexpr unsigned kNobody = 65'534;
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
    ::_exit(9);
}

HttpAccess with_token(std::string token) { return {.guard = Guard(std::move(token))}; }

TEST(HttpAccess, WithoutTheTokenNothingIsReachedButWhatIsOpen) {
  Router router = test_router();
  router.add(Method::get, "/healthz", [](const Request&) { return Response{.body = "ok\n"}; });
  TestServer test(std::move(router), {}, "127.0.0.1:0", with_token("s3cret"));
  RawClient client(test.server().local_endpoint());
  EXPECT_EQ(body_of(client.ask(get_with("/hello", "Bearer s3cret"))), "hello\n");
  EXPECT_EQ(body_of(client.ask(get("/healthz"))), "ok\n");

  const std::string none = client.ask(get("/hello"));
  EXPECT_EQ(status_of(none), 401U);
  EXPECT_NE(none.find("\r\nWWW-Authenticate: Bearer realm=\"holdfast\"\r\n"), std::string::npos);
  EXPECT_NE(none.find("\r\nContent-Type: application/problem+json\r\n"), std::string::npos);
  EXPECT_EQ(status_of(client.ask(get_with("/hello", "Bearer wrong"))), 401U);
  EXPECT_EQ(status_of(client.ask(get("/nothing"))), 401U) << "what there is, is not said either";
  EXPECT_EQ(status_of(client.ask(post("/echo", "x"))), 401U);
  EXPECT_EQ(body_of(client.ask(get_with("/hello", "Bearer s3cret"))), "hello\n") << "the connection goes on";
  EXPECT_EQ(test.server().counters().unauthorized.value(), 4U);
}

TEST(HttpAccess, APeerThatAsksTooOftenIsAnswered429) {
  constexpr int kBurst = 20;
  HttpLimits limits;
  limits.requests_per_second = 0.001;
  limits.requests_burst = kBurst;
  TestServer test(test_router(), limits);
  RawClient client(test.server().local_endpoint());
  RawClient same_peer(test.server().local_endpoint());
  for (int i = 0; i < kBurst; ++i) ASSERT_EQ(status_of((i % 2 == 0 ? client : same_peer).ask(get("/hello"))), 200U);
  const std::string refused = client.ask(get("/hello"));
  EXPECT_EQ(status_of(refused), 429U);
  EXPECT_NE(refused.find("\r\nRetry-After: 1000\r\n"), std::string::npos) << refused;
  EXPECT_NE(refused.find("Too Many Requests"), std::string::npos);
  EXPECT_EQ(status_of(same_peer.ask(get("/hello"))), 429U);
  EXPECT_EQ(test.server().counters().too_many.value(), 2U);
  EXPECT_EQ(test.server().counters().accepted.value(), 2U) << "none of these costs the connection";
}

TEST(HttpAccess, GuessingTokensIsLimitedToo) {
  HttpLimits limits;
  limits.requests_per_second = 0.001;
  limits.requests_burst = 5;
  TestServer test(test_router(), limits, "127.0.0.1:0", with_token("s3cret"));
  RawClient client(test.server().local_endpoint());
  for (int i = 0; i < 5; ++i) ASSERT_EQ(status_of(client.ask(get_with("/hello", "Bearer guess"))), 401U);
  EXPECT_EQ(status_of(client.ask(get_with("/hello", "Bearer s3cret"))), 429U);
}

TEST(HttpAccess, AUnixSocketHasItsModeAndGroupWhateverTheUmask) {
  const base::TemporaryDirectory directory;
  const std::string path = directory / "admin.sock";
  const group* const own = ::getgrgid(::getgid());
  ASSERT_NE(own, nullptr);
  const mode_t before = ::umask(0177);
  for (const mode_t mode : {0600U, 0660U, 0666U}) {
    TestServer test(test_router(), {}, "unix:" + path, {.socket = {mode, own->gr_name}});
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode);
    EXPECT_EQ(status.st_gid, ::getgid());
    RawClient client(test.server().local_endpoint());
    EXPECT_EQ(body_of(client.ask(get("/hello"))), "hello\n");
  }
  ::umask(before);
}

TEST(HttpAccess, AGroupThatCannotBeHadIsSaidAndLeavesNoSocket) {
  const base::TemporaryDirectory directory;
  const base::Endpoint endpoint = *base::parse_endpoint("unix:" + (directory / "admin.sock").string());
  Runtime runtime;
  try {
    const HttpServer server(runtime, "admin", endpoint, test_router(), {}, {.socket = {0660, "no-such-group"}});
    ADD_FAILURE() << "the group does not exist";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "admin " + endpoint.text() + ": group \"no-such-group\": there is no such group");
  }
  EXPECT_FALSE(std::filesystem::exists(endpoint.host));
}

// In a process of its own, which has given up root if it had it.
TEST(HttpAccess, AGroupThatOneIsNotInIsRefused) {
  const base::TemporaryDirectory directory;
  const base::Endpoint endpoint = *base::parse_endpoint("unix:" + (directory / "admin.sock").string());
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  const auto open_as_nobody = [&] {
    become_nobody();
    try {
      (void)open_listen_socket("admin", endpoint, {0660, "root"});
    } catch (const std::system_error& error) {
      ::_exit(error.code().value() == EPERM && !std::filesystem::exists(endpoint.host) ? 0 : 1);
    }
    ::_exit(2);
  };
  EXPECT_EXIT(open_as_nobody(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace holdfast::control
