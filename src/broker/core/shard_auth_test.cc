// Enhanced authentication: a client shows by AUTH packets who it is, before CONNACK and again while it is connected.
#include <gtest/gtest.h>

#include "broker/core/shard_rig.h"

namespace holdfast::broker {
namespace {

using wire::mqtt::Auth;
using wire::mqtt::Connect;
using wire::mqtt::PacketType;
using wire::mqtt::Property;
using wire::mqtt::Reason;
using Texts = std::vector<std::string>;

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::vector<std::byte> bytes(std::string_view text) {
  const auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

// Says "hello" to anything, and then vouches for whom it is told: "i am NAME". Nothing is answered until answer().
class TwoSteps {
 public:
  explicit TwoSteps(ShardRig& rig) : rig_(rig) {
    rig.begin_auth = [this](unsigned shard, base::Key link,
                            const AuthQuestion& question) -> std::unique_ptr<AuthMethod> {
      if (question.method != "two" || gone) return nullptr;
      return std::make_unique<Run>(*this, shard, link);
    };
  }
  void answer() {
    const auto answers = std::exchange(answers_, {});
    for (const Answer& each : answers) rig_.step_auth(each.shard, each.link, each.step);
  }

  bool gone = false;
  int runs = 0;  // that somebody waits for
  std::string challenge = "hello";

 private:
  struct Answer {
    unsigned shard;
    base::Key link;
    AuthStep step;
  };
  struct Run final : AuthMethod {
    Run(TwoSteps& its_method, unsigned its_shard, base::Key its_link)
        : method(its_method), shard(its_shard), link(its_link) {
      ++method.runs;
    }
    ~Run() override { --method.runs; }
    void hear(std::span<const std::byte> data) override {
      AuthStep step;
      const std::string said = text(data);
      if (!std::exchange(begun, true)) {
        step = {.what = AuthStep::What::go_on, .data = bytes(method.challenge)};
      } else if (said.starts_with("i am ")) {
        step = {.what = AuthStep::What::success, .data = bytes("welcome"), .user = said.substr(5)};
      } else {
        step = {.what = AuthStep::What::failure, .reason = Reason::not_authorized};
      }
      method.answers_.push_back({shard, link, step});
    }
    TwoSteps& method;
    unsigned shard;
    base::Key link;
    bool begun = false;
  };

  ShardRig& rig_;
  std::vector<Answer> answers_;
};

Hello by(std::string_view method, std::uint32_t packet_bytes_max = 0) {
  return {.change = [method, packet_bytes_max](Connect& connect) {
    connect.properties.set(Property::auth_method, method);
    if (packet_bytes_max != 0) connect.properties.set(Property::maximum_packet_size, packet_bytes_max);
  }};
}

void say_auth(RigClient& client, Reason reason, std::string_view method, std::string_view data) {
  Auth auth;
  auth.reason = reason;
  auth.properties.set(Property::auth_method, method);
  auth.properties.set(Property::auth_data, std::as_bytes(std::span(data)));
  client.say(auth);
}
void go_on(RigClient& client, std::string_view data) { say_auth(client, Reason::continue_authentication, "two", data); }
void begin_again(RigClient& client) { say_auth(client, Reason::re_authenticate, "two", ""); }

class ShardAuth : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(On, ShardAuth, testing::Values(1U, 3U));

// A client that has come in as ann.
RigClient& let_in(ShardRig& rig, TwoSteps& method, const Hello& hello = by("two")) {
  RigClient& a = rig.client("a", 1);
  a.connect(hello);
  method.answer();
  go_on(a, "i am ann");
  method.answer();
  return a;
}

//= MQTT5 [MQTT-4.12.0-2] type=test
//= MQTT5 [MQTT-4.12.0-5] type=test
TEST_P(ShardAuth, AMethodOfTwoStepsLetsAClientIn) {
  ShardRig rig(GetParam());
  TwoSteps method(rig);
  RigClient& a = rig.client("a", 1);
  EXPECT_EQ(a.connect(by("two")), nullptr) << "nobody has answered";
  method.answer();
  EXPECT_EQ(a.connack(), nullptr);
  ASSERT_NE(a.last<Auth>(), nullptr);
  EXPECT_EQ(a.last<Auth>()->reason, Reason::continue_authentication);
  EXPECT_EQ(a.last<Auth>()->properties.auth_method, "two");
  EXPECT_EQ(text(a.last<Auth>()->properties.auth_data), "hello");

  go_on(a, "i am ann");
  EXPECT_EQ(a.connack(), nullptr);
  method.answer();
  ASSERT_TRUE(a.is_connected());
  EXPECT_EQ(a.connack()->properties.auth_method, "two");
  EXPECT_EQ(text(a.connack()->properties.auth_data), "welcome");
  EXPECT_EQ(a.count(PacketType::auth), 1U);
  EXPECT_EQ(rig.shard(a.pipe->shard).user_name(0), "ann");
  EXPECT_EQ(method.runs, 0) << "it is over";
  EXPECT_EQ(a.nonsense, "");
}

//= MQTT5 [MQTT-4.12.0-1] type=test
TEST_P(ShardAuth, WithoutThatMethodNobodyIsLetIn) {
  for (const bool has_methods : {false, true}) {
    ShardRig rig(GetParam());
    std::optional<TwoSteps> method;
    if (has_methods) method.emplace(rig);
    RigClient& a = rig.client("a", 1);
    const auto* connack = a.connect(by("another"));
    ASSERT_NE(connack, nullptr);
    EXPECT_EQ(connack->reason, Reason::bad_authentication_method);
    EXPECT_TRUE(a.ended());
  }
}

struct Wrong {
  const char* name;
  std::function<void(RigClient&, TwoSteps&)> says;
  std::optional<Reason> connack;
};
const Wrong kWrong[] = {
    {"it cannot show who it is", [](RigClient& a, TwoSteps& m) { go_on(a, "who?"), m.answer(); },
     Reason::not_authorized},
    {"another method", [](RigClient& a, TwoSteps&) { say_auth(a, Reason::continue_authentication, "one", "i am ann"); },
     Reason::protocol_error},
    {"re-authentication", [](RigClient& a, TwoSteps&) { begin_again(a); }, Reason::protocol_error},
    {"AUTH before it was answered", [](RigClient& a, TwoSteps&) { go_on(a, "i"), go_on(a, "i am ann"); }, {}},
    {"a PINGREQ", [](RigClient& a, TwoSteps&) { a.ping(); }, Reason::protocol_error},
    {"a PUBLISH", [](RigClient& a, TwoSteps&) { a.publish("w", "1"); }, Reason::protocol_error},
    {"a second CONNECT", [](RigClient& a, TwoSteps&) { a.say(Connect{}); }, Reason::protocol_error},
    {"DISCONNECT", [](RigClient& a, TwoSteps&) { a.disconnect(); }, {}},
    {"nothing more", [](RigClient& a, TwoSteps&) { a.vanish(); }, {}},
};

//= MQTT5 [MQTT-3.1.2-30] type=test
//= MQTT5 [MQTT-4.12.0-3] type=test
//= MQTT5 [MQTT-4.12.0-4] type=test
//= MQTT5 [MQTT-4.12.0-5] type=test
TEST_P(ShardAuth, BeforeConnackOnlyTheExchangeIsHeard) {
  for (const Wrong& c : kWrong) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    TwoSteps method(rig);
    RigClient& watch = rig.connected("watch");
    (void)watch.subscribe("w");
    RigClient& a = rig.client("a", 1);
    a.connect(by("two"));
    method.answer();
    c.says(a, method);
    if (c.connack) {
      ASSERT_NE(a.connack(), nullptr);
      EXPECT_EQ(a.connack()->reason, *c.connack);
    } else {
      EXPECT_EQ(a.connack(), nullptr);
    }
    EXPECT_EQ(a.count(PacketType::disconnect), 0U);
    method.answer();  // nobody waits for it, or it cannot be told
    EXPECT_FALSE(a.is_connected());
    EXPECT_EQ(watch.got(), Texts{});
    a.vanish();
    EXPECT_EQ(rig.links(), 1U);
    EXPECT_EQ(rig.sessions(), 1U);
    EXPECT_EQ(method.runs, 0);
  }
}

//= MQTT5 [MQTT-3.1.2-24] type=test
TEST_P(ShardAuth, NothingIsSaidThatIsTooLargeForTheClient) {
  ShardRig rig(GetParam());
  TwoSteps method(rig);
  method.challenge = std::string(100, 'x');
  RigClient& a = rig.client("a", 1);
  a.connect(by("two", 100));
  method.answer();
  ASSERT_NE(a.connack(), nullptr);
  EXPECT_EQ(a.connack()->reason, Reason::packet_too_large);
  EXPECT_EQ(a.count(PacketType::auth), 0U);
}

//= MQTT5 [MQTT-4.12.1-1] type=test
TEST_P(ShardAuth, AClientThatIsThereAuthenticatesAgainAndGoesOnMeanwhile) {
  ShardRig rig(GetParam());
  TwoSteps method(rig);
  RigClient& a = let_in(rig, method);
  (void)a.subscribe("x");
  for (int round = 0; round < 2; ++round) {
    a.heard.clear();
    begin_again(a);
    a.publish("x", "1");
    EXPECT_EQ(a.got(), (Texts{"x=1"})) << "what is not AUTH goes on as before";
    method.answer();
    ASSERT_EQ(a.count(PacketType::auth), 1U);
    EXPECT_EQ(a.last<Auth>()->reason, Reason::continue_authentication);
    go_on(a, "i am ann");
    method.answer();
    ASSERT_EQ(a.count(PacketType::auth), 2U);
    EXPECT_EQ(a.last<Auth>()->reason, Reason::success);
    EXPECT_EQ(a.last<Auth>()->properties.auth_method, "two");
    EXPECT_EQ(text(a.last<Auth>()->properties.auth_data), "welcome");
    EXPECT_EQ(method.runs, 0);
  }
  EXPECT_TRUE(!a.ended());
}

const Wrong kWrongAgain[] = {
    {"it cannot show who it is",
     [](RigClient& a, TwoSteps& m) { begin_again(a), m.answer(), go_on(a, "who?"), m.answer(); },
     Reason::not_authorized},
    {"it is another one",
     [](RigClient& a, TwoSteps& m) { begin_again(a), m.answer(), go_on(a, "i am bob"), m.answer(); },
     Reason::not_authorized},
    {"another method", [](RigClient& a, TwoSteps&) { say_auth(a, Reason::re_authenticate, "one", ""); },
     Reason::protocol_error},
    {"another method on the way",
     [](RigClient& a, TwoSteps& m) {
       begin_again(a), m.answer(), say_auth(a, Reason::continue_authentication, "one", "i am ann");
     },
     Reason::protocol_error},
    {"twice", [](RigClient& a, TwoSteps&) { begin_again(a), begin_again(a); }, Reason::protocol_error},
    {"it answers what was not asked", [](RigClient& a, TwoSteps&) { go_on(a, "i am ann"); }, Reason::protocol_error},
    {"the method is offered no more", [](RigClient& a, TwoSteps& m) { m.gone = true, begin_again(a); },
     Reason::not_authorized},
    {"the answer is too large",
     [](RigClient& a, TwoSteps& m) { m.challenge = std::string(300, 'x'), begin_again(a), m.answer(); },
     Reason::packet_too_large},
};

//= MQTT5 [MQTT-4.12.1-1] type=test
//= MQTT5 [MQTT-4.12.1-2] type=test
TEST_P(ShardAuth, WhoCannotShowAgainWhoItIsIsSentAway) {
  for (const Wrong& c : kWrongAgain) {
    SCOPED_TRACE(c.name);
    ShardRig rig(GetParam());
    TwoSteps method(rig);
    RigClient& a = let_in(rig, method, by("two", 200));
    ASSERT_TRUE(a.is_connected());
    c.says(a, method);
    method.answer();
    EXPECT_EQ(a.goodbye(), c.connack);
    EXPECT_TRUE(a.ended());
    EXPECT_EQ(rig.links(), 0U);
    EXPECT_EQ(method.runs, 0);
  }
}

}  // namespace
}  // namespace holdfast::broker
