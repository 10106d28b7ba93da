#include "auth/chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <fstream>

#include "auth/password.h"
#include "base/temporary_directory.h"

namespace holdfast::auth {
namespace {

using namespace std::chrono_literals;

const std::string& cheap_hash() {
  static const std::string kHash = *make_hash("right", HashMethod::bcrypt, 4);
  return kHash;
}

config::Auth settings() {
  config::Auth settings;
  settings.cache_time = 10min;
  settings.cache_max = 100;
  settings.threads = 1;
  settings.pending_max = 100;
  settings.timeout = 30s;
  return settings;
}

Files files_with(std::vector<User> users) {
  return {{std::make_shared<const Users>(std::move(users))}, std::make_shared<const Acl>()};
}

Files files_with_ann() {
  return files_with({{.name = "ann", .password_hash = cheap_hash(), .client_ids = {}, .addresses = {}}});
}

Credentials from(std::optional<std::string> user, std::optional<std::string> password) {
  Credentials credentials;
  credentials.client_id = "c1";
  credentials.user = std::move(user);
  credentials.password = std::move(password);
  return credentials;
}

class Says : public Module {
 public:
  explicit Says(Verdict verdict) : verdict_(verdict) {}
  control::Task<Verdict> authenticate(std::shared_ptr<const Credentials> /*credentials*/) override {
    ++asked;
    return say(verdict_);
  }
  int asked = 0;

 private:
  static control::Task<Verdict> say(Verdict verdict) { co_return verdict; }
  const Verdict verdict_;
};

// Asks for all of them at once, and runs until each has its answer.
std::vector<Answer> ask(control::Runtime& runtime, Chain& chain, const std::vector<Credentials>& clients) {
  std::vector<Answer> answers(clients.size());
  std::size_t open = clients.size();
  runtime.post([&] {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      chain.authenticate(clients[i], [&, i](Answer answer) {
        answers[i] = std::move(answer);
        if (--open == 0) runtime.stop();
      });
    }
    EXPECT_EQ(open, clients.size()) << "never before the call has ended";
  });
  runtime.context().restart();
  runtime.run();
  return answers;
}

Answer ask(control::Runtime& runtime, Chain& chain, const Credentials& client) {
  return ask(runtime, chain, std::vector{client}).front();
}

TEST(Chain, TheFirstModuleThatKnowsTheClientDecides) {
  struct Case {
    std::vector<Verdict> say;
    config::Anonymous anonymous;
    Verdict want;
    int asked;
  };
  using V = Verdict;
  using config::Anonymous;
  for (const Case& c :
       std::vector<Case>{{{}, Anonymous::allow, V::ok, 0},
                         {{}, Anonymous::deny, V::bad_credentials, 0},
                         {{V::ok, V::error}, Anonymous::deny, V::ok, 1},
                         {{V::ok_superuser}, Anonymous::deny, V::ok_superuser, 1},
                         {{V::ignore, V::ok}, Anonymous::deny, V::ok, 2},
                         {{V::ignore, V::bad_credentials, V::ok}, Anonymous::allow, V::bad_credentials, 2},
                         {{V::not_authorized, V::ok}, Anonymous::allow, V::not_authorized, 1},
                         {{V::busy, V::ok}, Anonymous::allow, V::busy, 1},
                         {{V::error, V::ok}, Anonymous::deny, V::ok, 2},
                         {{V::error, V::bad_credentials}, Anonymous::allow, V::bad_credentials, 2},
                         {{V::error, V::ignore}, Anonymous::allow, V::error, 2},
                         {{V::ignore, V::ignore}, Anonymous::allow, V::ok, 2},
                         {{V::ignore}, Anonymous::deny, V::bad_credentials, 1}}) {
    control::Runtime runtime;
    config::Auth auth = settings();
    auth.anonymous = c.anonymous;
    Chain chain(runtime, auth, Files{});
    std::vector<std::shared_ptr<Says>> modules;
    for (const Verdict each : c.say) chain.add(modules.emplace_back(std::make_shared<Says>(each)));
    const Answer answer = ask(runtime, chain, from("ann", "x"));
    EXPECT_STREQ(name(answer.verdict), name(c.want));
    const bool vouched = !c.say.empty() && c.want <= V::ok_superuser && c.say.back() != V::ignore;
    EXPECT_EQ(answer.user, vouched ? "ann" : "") << "nobody vouches for who is anonymous";
    int asked = 0;
    for (const auto& each : modules) asked += each->asked;
    EXPECT_EQ(asked, c.asked);
  }
}

TEST(Chain, TheListenerMaySayWhatBecomesOfStrangers) {
  control::Runtime runtime;
  Chain chain(runtime, settings(), Files{});
  EXPECT_EQ(ask(runtime, chain, from(std::nullopt, std::nullopt)), (Answer{Verdict::not_authorized, ""}));
  Credentials local = from(std::nullopt, std::nullopt);
  local.anonymous = config::Anonymous::allow;
  EXPECT_EQ(ask(runtime, chain, local), (Answer{Verdict::ok, ""}));
}

TEST(FileModule, KnowsItsUsers) {
  control::Runtime runtime;
  const Files files =
      files_with({{.name = "ann", .password_hash = cheap_hash(), .client_ids = {}, .addresses = {}},
                  {.name = "root", .password_hash = cheap_hash(), .client_ids = {}, .addresses = {}, .superuser = true},
                  {.name = "s7", .password_hash = cheap_hash(), .client_ids = {"other"}, .addresses = {}}});
  Chain chain(runtime, settings(), files);
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")), (Answer{Verdict::ok, "ann"}));
  EXPECT_EQ(ask(runtime, chain, from("root", "right")), (Answer{Verdict::ok_superuser, "root"}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "wrong")), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "")), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(ask(runtime, chain, from("ann", std::nullopt)), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(ask(runtime, chain, from("bob", "right")), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(ask(runtime, chain, from("s7", "right")), (Answer{Verdict::not_authorized, ""}));
  EXPECT_EQ(ask(runtime, chain, from("s7", "wrong")), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(ask(runtime, chain, from(std::nullopt, "right")), (Answer{Verdict::not_authorized, ""}));
  EXPECT_EQ(ask(runtime, chain, from(std::nullopt, std::nullopt)), (Answer{Verdict::not_authorized, ""}));
}

config::Auth settings_with_failures(double per_second, std::uint32_t burst) {
  config::Auth auth = settings();
  auth.failure_rate_per_address.per_second = per_second;
  auth.failure_burst_per_address = burst;
  return auth;
}

Credentials ann_at(const char* address, std::optional<std::string> password) {
  Credentials credentials = from(std::optional<std::string>("ann"), std::move(password));
  const base::Cidr cidr = *base::parse_cidr(address);
  using Family = base::PeerAddress::Family;
  credentials.address = {cidr.bytes, 4711, cidr.family == base::Cidr::Family::ipv4 ? Family::ipv4 : Family::ipv6};
  return credentials;
}

constexpr double kOneAnHour = 1.0 / 3600;

TEST(FailedLogins, BeyondTheLimitNothingOfTheirAddressIsLookedAt) {
  control::Runtime runtime;
  config::Auth auth = settings_with_failures(kOneAnHour, 3);
  auth.cache_time = 10min;
  Chain chain(runtime, auth, files_with_ann());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", "right")).verdict, Verdict::ok);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", "wrong")).verdict, Verdict::bad_credentials);
  const std::uint64_t hashed = chain.counts().passwords.hashed_total;
  for (const auto* password : {"wrong", "right"}) {
    EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", password)).verdict, Verdict::too_many_failures) << password;
  }
  EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", std::nullopt)).verdict, Verdict::too_many_failures);
  EXPECT_EQ(chain.counts().passwords.hashed_total, hashed);
  EXPECT_EQ(chain.counts().answers_total[static_cast<std::size_t>(Verdict::too_many_failures)], 3U);
  EXPECT_EQ(chain.counts().failures.failed_total, 3U) << "who is not listened to has not failed again";
  EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.2", "right")).verdict, Verdict::ok) << "another address";
}

TEST(FailedLogins, AreThoseWithAPasswordThatIsRefused) {
  control::Runtime runtime;
  Chain chain(runtime, settings_with_failures(kOneAnHour, 1),
              files_with({{.name = "ann", .password_hash = cheap_hash(), .client_ids = {"other"}, .addresses = {}}}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", std::nullopt)).verdict, Verdict::bad_credentials);
  }
  EXPECT_EQ(chain.counts().failures.failed_total, 0U);
  EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", "right")).verdict, Verdict::not_authorized);
  EXPECT_EQ(chain.counts().failures.failed_total, 1U) << "right, but not like this";
  EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", "right")).verdict, Verdict::too_many_failures);
}

TEST(FailedLogins, NoNewHashBeginsOnceThereAreTooMany) {
  control::Runtime runtime;
  Chain chain(runtime, settings_with_failures(kOneAnHour, 2), files_with_ann());
  std::vector<Credentials> clients(100, ann_at("10.0.0.1", "wrong"));
  const auto answers = ask(runtime, chain, clients);
  const auto wrong = std::ranges::count(answers, Verdict::bad_credentials, &Answer::verdict);
  const auto unheard = std::ranges::count(answers, Verdict::too_many_failures, &Answer::verdict);
  EXPECT_GE(wrong, 2);
  EXPECT_EQ(wrong + unheard, 100);
  EXPECT_EQ(chain.counts().passwords.hashed_total, static_cast<std::uint64_t>(wrong));
  EXPECT_EQ(ask(runtime, chain, ann_at("10.0.0.1", "wrong")).verdict, Verdict::too_many_failures);
}

TEST(FailedLogins, CountByThePrefixOfIpv6AndNotWhoIsExempt) {
  control::Runtime runtime;
  config::Auth auth = settings_with_failures(kOneAnHour, 1);
  auth.failure_exempt = {*base::parse_cidr("10.0.0.0/8")};
  Chain chain(runtime, auth, files_with_ann());
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(ask(runtime, chain, ann_at("10.9.9.9", "wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(runtime, chain, ann_at("2001:db8::1", "wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(runtime, chain, ann_at("2001:db8::2", "wrong")).verdict, Verdict::too_many_failures);
  EXPECT_EQ(ask(runtime, chain, ann_at("2001:db8:0:1::2", "wrong")).verdict, Verdict::bad_credentials);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(runtime, chain, from(std::optional<std::string>("ann"), "wrong")).verdict, Verdict::bad_credentials)
        << "a peer without an address";
  }
}

TEST(FailedLogins, AreForgivenAsTheRateSays) {
  config::Auth auth = settings_with_failures(1, 2);
  FailedLogins failures(auth);
  const base::Time begin{std::chrono::hours(1000)};
  const Credentials client = ann_at("10.0.0.1", "wrong");
  failures.note(client, begin);
  EXPECT_FALSE(failures.too_many(client.address, begin));
  failures.note(client, begin);
  EXPECT_TRUE(failures.too_many(client.address, begin + 999ms));
  EXPECT_FALSE(failures.too_many(client.address, begin + 1s));
  failures.note(client, begin + 1s);
  EXPECT_TRUE(failures.too_many(client.address, begin + 1s));
}

TEST(FileModule, IgnoresWhomItDoesNotKnow) {
  control::Runtime runtime;
  config::Auth auth = settings();
  auth.anonymous = config::Anonymous::allow;
  Chain chain(runtime, auth, files_with_ann());
  EXPECT_EQ(ask(runtime, chain, from("bob", "right")), (Answer{Verdict::ok, ""}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "wrong")), (Answer{Verdict::bad_credentials, ""}));
  EXPECT_EQ(chain.counts().passwords.hashed_total, 2U) << "a stranger takes as long as a user";
}

TEST(FileModule, AStrangerTakesAHashEachTime) {
  control::Runtime runtime;
  Chain chain(runtime, settings(), files_with_ann());
  for (int i = 0; i < 3; ++i) (void)ask(runtime, chain, from("bob", "right"));
  EXPECT_EQ(chain.counts().passwords.hashed_total, 3U);
}

TEST(PasswordChecker, DoesNotHashAgainWhatWasRight) {
  control::Runtime runtime;
  Chain chain(runtime, settings(), files_with_ann());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::ok);
  EXPECT_EQ(ask(runtime, chain, from("ann", "wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(ask(runtime, chain, from("ann", "wrong")).verdict, Verdict::bad_credentials);
  EXPECT_EQ(chain.counts().passwords.hashed_total, 3U);
  EXPECT_EQ(chain.counts().passwords.known_total, 4U);
}

TEST(Chain, TakesNewFilesForThoseWhoComeThen) {
  control::Runtime runtime;
  Chain chain(runtime, settings(), files_with_ann());
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::ok);
  chain.use(files_with(
      {{.name = "ann", .password_hash = *make_hash("new", HashMethod::bcrypt, 4), .client_ids = {}, .addresses = {}}}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::bad_credentials)
      << "what was right is not any more";
  EXPECT_EQ(ask(runtime, chain, from("ann", "new")).verdict, Verdict::ok);
  chain.use(files_with({}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "new")).verdict, Verdict::bad_credentials);
}

TEST(Chain, AnswersManyAtOnce) {
  control::Runtime runtime;
  config::Auth auth = settings();
  auth.threads = 3;
  Chain chain(runtime, auth, files_with_ann());
  std::vector<Credentials> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(from("ann", i % 2 == 0 ? "right" : "wrong"));
  const auto answers = ask(runtime, chain, clients);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].verdict, i % 2 == 0 ? Verdict::ok : Verdict::bad_credentials) << i;
  }
  EXPECT_EQ(chain.counts().answers_total[static_cast<std::size_t>(Verdict::ok)], 30U);
  EXPECT_EQ(chain.counts().under_way, 0U);
}

TEST(Chain, SaysThatItIsBusyWhenTooManyWait) {
  control::Runtime runtime;
  config::Auth auth = settings();
  auth.pending_max = 1;
  Chain chain(runtime, auth,
              files_with({{.name = "ann",
                           .password_hash = *make_hash("right", HashMethod::bcrypt, 8),
                           .client_ids = {},
                           .addresses = {}}}));
  const auto answers = ask(runtime, chain, std::vector(20, from("ann", "right")));
  const auto ok = std::ranges::count(answers, Verdict::ok, &Answer::verdict);
  const auto busy = std::ranges::count(answers, Verdict::busy, &Answer::verdict);
  EXPECT_GE(ok, 1);
  EXPECT_GE(busy, 15);
  EXPECT_EQ(ok + busy, 20);
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::ok) << "and then no more";
}

TEST(Chain, SaysThatItIsBusyWhenACheckTakesTooLong) {
  control::Runtime runtime;
  config::Auth auth = settings();
  auth.timeout = 10ms;
  Chain chain(runtime, auth,
              files_with({{.name = "ann",
                           .password_hash = *make_hash("right", HashMethod::bcrypt, 11),
                           .client_ids = {},
                           .addresses = {}}}));
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::busy);
}

TEST(Chain, NeverHashesOnTheControlThread) {
  control::Runtime runtime;
  Chain chain(runtime, settings(),
              files_with({{.name = "ann",
                           .password_hash = *make_hash("right", HashMethod::bcrypt, 10),
                           .client_ids = {},
                           .addresses = {}}}));
  int turns = 0;
  std::function<void()> turn = [&] {
    ++turns;
    runtime.post(turn);
  };
  runtime.post(turn);
  EXPECT_EQ(ask(runtime, chain, from("ann", "right")).verdict, Verdict::ok);
  EXPECT_GT(turns, 100) << "the control thread goes on meanwhile";
}

TEST(Chain, CanEndWhileItIsAsked) {
  control::Runtime runtime;
  auto chain = std::make_unique<Chain>(runtime, settings(), files_with_ann());
  int answers = 0;
  runtime.post([&] {
    for (int i = 0; i < 10; ++i) chain->authenticate(from("ann", "right"), [&](const Answer&) { ++answers; });
    runtime.post([&] {
      chain.reset();
      runtime.post([&] { runtime.stop(); });
    });
  });
  runtime.run();
  EXPECT_EQ(answers, 0);
}

TEST(Chain, CanEndInACompletion) {
  control::Runtime runtime;
  auto chain = std::make_unique<Chain>(runtime, settings(), files_with_ann());
  runtime.post([&] {
    chain->authenticate(from("ann", "right"), [&](const Answer&) {
      chain.reset();
      runtime.stop();
    });
  });
  runtime.run();
  EXPECT_EQ(chain, nullptr);
}

class LoadFiles : public testing::Test {
 protected:
  std::string write(const char* name, std::string_view text) {
    const std::string path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }
  static std::string lines(const LoadedFiles& loaded) {
    std::string all;
    for (const config::Fault& each : loaded.faults) all += to_text(each) + "\n";
    return all;
  }

  base::TemporaryDirectory directory_;
  config::Auth auth_ = settings();
};

TEST_F(LoadFiles, YieldsAllOfThemAsOne) {
  auth_.chain = {{.path = write("users.toml", "[[user]]\nname = \"ann\"\npassword_hash = \"" + cheap_hash() + "\"\n")}};
  auth_.acl = config::AclFile{.path = write("acl", "deny all all a\n"), .no_match = config::AclNoMatch::allow};
  const LoadedFiles loaded = load_files(auth_);
  EXPECT_EQ(lines(loaded), "");
  ASSERT_NE(loaded.files, nullptr);
  EXPECT_EQ(loaded.files->users.at(0)->size(), 1U);
  EXPECT_EQ(loaded.files->acl->rules(), 1U);
  const Acl& acl = *loaded.files->acl;
  EXPECT_EQ(acl.check(acl.prepare({}), Action::publish, "b").permission, Permission::allow);
}

TEST_F(LoadFiles, WithoutAnyAllowsWhoIsLetIn) {
  const LoadedFiles loaded = load_files(auth_);
  ASSERT_NE(loaded.files, nullptr);
  EXPECT_TRUE(loaded.files->users.empty());
  const Acl& acl = *loaded.files->acl;
  EXPECT_EQ(acl.check(acl.prepare({}), Action::publish, "b").permission, Permission::allow);
}

TEST_F(LoadFiles, ListsTheFaultsOfAll) {
  const std::string users = write("users.toml", "[[user]]\nname = \"\"\n");
  const std::string acl = write("acl", "\nallow all\n");
  auth_.chain = {{.path = users}, {.path = "/nowhere/users.toml"}};
  auth_.acl = config::AclFile{.path = acl};
  const LoadedFiles loaded = load_files(auth_);
  EXPECT_EQ(loaded.files, nullptr);
  ASSERT_EQ(loaded.faults.size(), 4U);
  EXPECT_TRUE(to_text(loaded.faults[0]).starts_with(users + ":1:1: ")) << to_text(loaded.faults[0]);
  EXPECT_TRUE(to_text(loaded.faults[1]).starts_with(users + ":2:8: ")) << to_text(loaded.faults[1]);
  EXPECT_EQ(to_text(loaded.faults[2]),
            "/nowhere/users.toml: cannot be read (open: No such file or directory); `path` of [[auth.chain]] names it");
  EXPECT_TRUE(to_text(loaded.faults[3]).starts_with(acl + ":2:10: ")) << to_text(loaded.faults[3]);
}

}  // namespace
}  // namespace holdfast::auth
