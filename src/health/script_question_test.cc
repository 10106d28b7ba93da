#include <gtest/gtest.h>

#include <future>

#include "health/questions.h"
#include "health/test_server.h"

namespace holdfast::health {
namespace {

using config::HealthStep;
using config::HealthType;

HealthStep send(std::string text) { return {std::move(text), "", "", ""}; }
HealthStep send_hex(std::string bytes) { return {"", std::move(bytes), "", ""}; }
HealthStep expect(std::string text) { return {"", "", std::move(text), ""}; }
HealthStep expect_hex(std::string bytes) { return {"", "", "", std::move(bytes)}; }

struct Case {
  const char* name;
  std::vector<HealthStep> steps;
  ScriptedServer::Talk talk;
  const char* reason;
};

void hold(Conversation& c) { (void)c.read_all(); }
ScriptedServer::Talk say(std::string text) {
  return [text](Conversation& c) {
    c.send(text);
    hold(c);
  };
}
ScriptedServer::Talk say_and_close(std::string text) {
  return [text](Conversation& c) { c.send(text); };
}

const Case kCases[] = {
    {"no steps", {}, hold, "all 0 steps done"},
    {"what comes before is skipped", {expect("PONG")}, say("hello\r\n+PONG\r\n"), "all 1 steps done"},
    {"what stands behind stays", {expect("one"), expect("two")}, say("one two"), "all 2 steps done"},
    {"but is not found twice", {expect("one"), expect("one")}, say_and_close("one"), "closed in step 2"},
    {"bytes",
     {expect_hex(std::string("\x20\x02\x00\x00", 4))},
     say(std::string("\x20\x02\x00\x00", 4)),
     "all 1 steps done"},
    {"in two pieces",
     {send("a"), expect("abcd")},
     [](Conversation& c) {
       c.read_until("a");
       c.send("xxab");
       c.send("cd");
       hold(c);
     },
     "all 2 steps done"},
    {"accept and close", {send("x"), expect("y")}, [](Conversation& c) { c.read_until("x"); }, "closed in step 2"},
    {"wrong, then closed", {expect("yes")}, say_and_close("no"), "expected text not found in step 1"},
    {"half, then closed", {expect("yes")}, say_and_close("ye"), "expected text not found in step 1"},
    {"reset",
     {send("x"), expect("y")},
     [](Conversation& c) {
       c.read_until("x");
       c.reset();
     },
     "connection reset by peer in step 2"},
    {"endless",
     {send("x"), expect("y")},
     [](Conversation& c) {
       while (c.send(std::string(4096, 'z'))) {
       }
     },
     "expected text not found in 64 KiB in step 2"},
};

TEST(ScriptProbe, EndsEachWay) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const ScriptedServer server(c.talk);
    config::Health settings = settings_of(HealthType::script);
    settings.steps = c.steps;
    const Outcome outcome = ask(settings, server.endpoint());
    EXPECT_EQ(outcome.reason, c.reason);
    EXPECT_EQ(outcome.passed, outcome.reason.ends_with("done"));
  }
}

TEST(ScriptProbe, TimeoutNamesItsStep) {
  config::Health settings = settings_of(HealthType::script);
  settings.timeout = std::chrono::milliseconds{50};
  settings.steps = {send("a"), expect("b"), expect("c")};
  const ScriptedServer silent(say("b"));
  EXPECT_EQ(ask(settings, silent.endpoint()).reason, "timeout after 50ms in step 3");
  const ScriptedServer slow([](Conversation& c) { c.drip("b-"); });
  EXPECT_EQ(ask(settings, slow.endpoint()).reason, "timeout after 50ms in step 3");
}

TEST(ScriptProbe, SpeaksInOrderAndItsLastWordArrives) {
  std::promise<Conversation::Heard> heard;
  const ScriptedServer server([&](Conversation& c) {
    Conversation::Heard all{c.read_until("\n"), {}};
    c.send("220 ready\r\n");
    const Conversation::Heard rest = c.read_all();
    heard.set_value({all.bytes + rest.bytes, rest.end});
  });
  config::Health settings = settings_of(HealthType::script);
  settings.steps = {send("to ${host}:${port}\n"), expect("220"), send_hex("Q\x01"), send("$$5 $x")};
  EXPECT_TRUE(ask(settings, server.endpoint(), "preamble ").passed);
  const Conversation::Heard all = heard.get_future().get();
  EXPECT_EQ(all.bytes, "preamble to " + server.endpoint().text() + "\nQ\x01$5 $x");
  EXPECT_EQ(all.end, Conversation::End::closed);
}

TEST(ScriptProbe, VariablesStandForTheServer) {
  const base::Endpoint server{base::Endpoint::Kind::ipv6, "::1", 1883};
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"plain", "plain"},
                                                       {"${host}", "::1"},
                                                       {"[${host}]:${port}", "[::1]:1883"},
                                                       {"$$", "$"},
                                                       {"$${host}", "${host}"},
                                                       {"$$$", "$$"},
                                                       {"${other} $", "${other} $"},
                                                       {"${port", "${port"}};
  for (const auto& [text, want] : cases) EXPECT_EQ(expand(text, server), want);
}

}  // namespace
}  // namespace holdfast::health
