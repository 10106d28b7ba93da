#include "health/probe.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <future>

#include "base/temporary_directory.h"
#include "health/test_server.h"

namespace holdfast::health {
namespace {

using config::HealthType;
using std::chrono::milliseconds;
using Kind = base::Endpoint::Kind;

config::Health impatient(HealthType type) {
  config::Health settings = settings_of(type);
  settings.timeout = milliseconds{50};
  return settings;
}

TEST(TcpProbe, PassesWhenItConnects) {
  const Port server;
  const Outcome outcome = ask(settings_of(HealthType::tcp), server.endpoint());
  EXPECT_TRUE(outcome.passed);
  EXPECT_TRUE(outcome.asked);
  EXPECT_EQ(outcome.reason, "connected");
  EXPECT_GT(outcome.took.count(), 0);
}

TEST(TcpProbe, FailsWhenItIsRefused) {
  const Port server(Port::State::refusing);
  const Outcome outcome = ask(settings_of(HealthType::tcp), server.endpoint());
  EXPECT_FALSE(outcome.passed);
  EXPECT_TRUE(outcome.asked);
  EXPECT_EQ(outcome.reason, "connection refused");
}

TEST(TcpProbe, TimesOutWhenNothingAnswers) {
  Port server(Port::State::listening, 0);
  server.fill_queue();
  const Outcome outcome = ask(impatient(HealthType::tcp), server.endpoint());
  EXPECT_EQ(outcome.reason, "timeout after 50ms while connecting");
  EXPECT_TRUE(outcome.asked);
  EXPECT_GE(outcome.took, milliseconds{50});
}

TEST(TcpProbe, ResetsSoThatNoPortIsLeftInTimeWait) {
  std::promise<Conversation::End> end;
  const ScriptedServer server([&](Conversation& probe) { end.set_value(probe.read_all().end); });
  EXPECT_TRUE(ask(settings_of(HealthType::tcp), server.endpoint()).passed);
  EXPECT_EQ(end.get_future().get(), Conversation::End::reset);
}

TEST(TcpProbe, PreambleArrivesBeforeAnOrderlyEnd) {
  std::promise<Conversation::Heard> heard;
  const ScriptedServer server([&](Conversation& probe) { heard.set_value(probe.read_all()); });
  const std::string preamble = "PROXY UNKNOWN\r\n";
  EXPECT_TRUE(ask(settings_of(HealthType::tcp), server.endpoint(), preamble).passed);
  const Conversation::Heard all = heard.get_future().get();
  EXPECT_EQ(all.bytes, preamble);
  EXPECT_EQ(all.end, Conversation::End::closed);
}

TEST(TcpProbe, AsksElsewhereWhenSettingsSaySo) {
  const Port server;
  const base::Endpoint refusing = Port(Port::State::refusing).endpoint();
  config::Health settings = settings_of(HealthType::tcp);
  settings.port = server.endpoint().port;
  EXPECT_TRUE(ask(settings, refusing).passed);
  EXPECT_TRUE(ask(settings, {Kind::unix_path, "/nonexistent/socket", 0}).passed);
  settings.port = 0;
  settings.address = base::Endpoint{Kind::ipv4, "127.0.0.1", 0};
  EXPECT_TRUE(ask(settings, {Kind::ipv4, "192.0.2.1", server.endpoint().port}).passed);
  const Outcome outcome = ask(settings, {Kind::unix_path, "/nonexistent/socket", 0});
  EXPECT_EQ(outcome.reason, "cannot ask: no port is known");
  EXPECT_FALSE(outcome.asked);
}

TEST(TcpProbe, KnowsUnixSockets) {
  const config::Health settings = settings_of(HealthType::tcp);
  const base::TemporaryDirectory directory;
  const base::Endpoint endpoint{Kind::unix_path, directory / "socket", 0};
  EXPECT_EQ(ask(settings, endpoint).reason, "no such file or directory");
  {
    const Port server(Port::State::refusing, 0, endpoint.host);
    EXPECT_EQ(ask(settings, endpoint).reason, "connection refused");
  }
  const Port server(Port::State::listening, 0, endpoint.host);
  EXPECT_EQ(ask(settings, endpoint).reason, "connected");
  EXPECT_EQ(ask(settings, endpoint).reason, "the server's queue of new connections is full");
}

TEST(TcpProbe, KnowsIpv6) {
  const Port refusing(Port::State::refusing);
  const Outcome outcome = ask(settings_of(HealthType::tcp), {Kind::ipv6, "::1", refusing.endpoint().port});
  EXPECT_FALSE(outcome.passed);
  // The latter where the machine has no IPv6.
  EXPECT_EQ(outcome.reason.starts_with("connection refused"), outcome.asked) << outcome.reason;
}

// The kernel gives clients the even ports in turn, so some of these connects come from the port that they go to.
TEST(TcpProbe, IsNotItsOwnServer) {
  base::Endpoint nobody = Port(Port::State::refusing).endpoint();
  nobody.port &= 0xFFFE;
  control::Runtime runtime;
  const auto settings = std::make_shared<const config::Health>(settings_of(HealthType::tcp));
  const auto run = [&]() -> control::Task<> {
    for (int i = 0; i < 20'000; ++i) {
      Target target{nobody, ""};
      const Outcome outcome = co_await probe(settings, std::move(target));
      EXPECT_FALSE(outcome.passed) << i;
    }
    runtime.stop();
  };
  const control::Job job = runtime.spawn("test", run());
  runtime.run();
}

TEST(TcpProbe, SaysSoWhenItCouldNotAsk) {
  const Outcome unresolved = ask(settings_of(HealthType::tcp), {Kind::host_name, "b1.local", 1883});
  EXPECT_FALSE(unresolved.asked);
  EXPECT_EQ(unresolved.reason, "cannot ask: no address is known");

  const Port server;
  control::Runtime runtime;
  const boost::asio::steady_timer timer(runtime.context());  // the runtime gets its own while there are some
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(server.fd());
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  std::optional<Outcome> outcome;
  const auto keeper = [&](const Outcome& kept) {
    outcome = kept;
    runtime.stop();
  };
  const auto settings = std::make_shared<config::Health>(settings_of(HealthType::tcp));
  const control::Job job = runtime.spawn("test", keep(probe(settings, {server.endpoint(), ""}), keeper));
  ::setrlimit(RLIMIT_NOFILE, &none);
  runtime.run();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(outcome->passed);
  EXPECT_FALSE(outcome->asked);
  EXPECT_EQ(outcome->reason, "cannot ask: too many open files");
}

struct AgentCase {
  const char* name;
  ScriptedServer::Talk talk;
  bool passed;
  const char* reason;
};

const AgentCase kAgentCases[] = {
    {"a line", [](Conversation& c) { c.send("up 75%\n"); }, true, "agent says up 75%"},
    {"in pieces", [](Conversation& c) { c.send("dra"), c.send("in\r"), c.send("\n"); }, true, "agent says drain"},
    {"ended by the close", [](Conversation& c) { c.send("ready"); }, true, "agent says ready"},
    {"no news", [](Conversation& c) { c.send("\n"); }, true, "agent without news"},
    {"down", [](Conversation& c) { c.send("down#disk full\n"); }, false, "agent says down#disk full"},
    {"stopped", [](Conversation& c) { c.send("stopped\n"); }, false, "agent says stopped"},
    {"garbage", [](Conversation& c) { c.send("\x16\x03\x01 hello\n"); }, false, "not an agent's answer: ??? hello"},
    {"accept and close", [](Conversation&) {}, false, "closed while waiting for the answer"},
    {"reset", [](Conversation& c) { c.reset(); }, false, "connection reset by peer while waiting for the answer"},
    {"endless",
     [](Conversation& c) {
       while (c.send(std::string(4096, 'x'))) {
       }
     },
     false, "no end of line in 1 KiB"},
};

TEST(AgentProbe, EndsEachWay) {
  for (const AgentCase& c : kAgentCases) {
    SCOPED_TRACE(c.name);
    const ScriptedServer server([&c](Conversation& probe) {
      probe.read_until("?");
      c.talk(probe);
    });
    config::Health settings = settings_of(HealthType::agent);
    settings.agent_send = "?";
    const Outcome outcome = ask(settings, server.endpoint());
    EXPECT_EQ(outcome.passed, c.passed);
    EXPECT_EQ(outcome.reason, c.reason);
    EXPECT_EQ(outcome.agent.has_value(), outcome.reason.starts_with("agent"));
  }
}

TEST(AgentProbe, TimesOutWhenTheAgentIsSilentOrSlow) {
  const Port silent;
  EXPECT_EQ(ask(impatient(HealthType::agent), silent.endpoint()).reason,
            "timeout after 50ms while waiting for the answer");
  const ScriptedServer slow([](Conversation& c) { c.drip("up "); });
  EXPECT_EQ(ask(impatient(HealthType::agent), slow.endpoint()).reason,
            "timeout after 50ms while waiting for the answer");
}

TEST(AgentProbe, IsAskedBesideTheCheckAtItsOwnPort) {
  const ScriptedServer agent([](Conversation& c) {
    if (c.read_until("\n") == "state?\n") c.send("20% maxconn:7 maint\n");
  });
  auto settings = std::make_shared<config::Health>(settings_of(HealthType::http));
  settings->agent_port = agent.endpoint().port;
  settings->agent_send = "state?\n";
  const base::Endpoint servers[] = {{Kind::ipv4, "127.0.0.1", 1}, {Kind::unix_path, "/nonexistent/socket", 0}};
  for (const base::Endpoint& server : servers) {
    const Outcome outcome = outcome_of(ask_agent(settings, {server, "a preamble is not for agents"}));
    EXPECT_TRUE(outcome.passed);
    EXPECT_EQ(outcome.agent, (AgentReply{20, 7, AgentReply::Mode::maint, {}, ""}));
  }
  settings->agent_address = base::Endpoint{Kind::ipv4, "127.0.0.1", 0};
  EXPECT_TRUE(outcome_of(ask_agent(settings, {{Kind::ipv4, "192.0.2.1", 1}, ""})).passed);
}

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

control::Task<> ask_in_turn(std::vector<std::shared_ptr<const config::Health>> all, base::Endpoint server) {
  for (const auto& settings : all) {
    Target target{server, "preamble"};
    const Outcome outcome = co_await probe(settings, std::move(target));
    EXPECT_FALSE(outcome.reason.empty());
  }
}

// Nobody accepts here, so that every descriptor is a probe's.
TEST(Probe, LeavesNoDescriptorOpen) {
  const Port silent;
  const Port refusing(Port::State::refusing);
  Port full(Port::State::listening, 0);
  full.fill_queue();
  const std::vector<base::Endpoint> servers = {silent.endpoint(), refusing.endpoint(), full.endpoint()};
  std::vector<std::shared_ptr<const config::Health>> all;
  for (const HealthType type : {HealthType::tcp, HealthType::http, HealthType::script, HealthType::agent}) {
    config::Health settings = impatient(type);
    settings.steps = {{"hello", "", "", ""}, {"", "", "world", ""}};
    all.push_back(std::make_shared<config::Health>(settings));
  }
  control::Runtime runtime;
  const boost::asio::steady_timer timer(runtime.context());  // the runtime gets its own descriptors now
  std::ptrdiff_t before = 0;
  const auto run = [&]() -> control::Task<> {
    before = open_descriptors();
    for (const base::Endpoint& server : servers) {
      control::Task<> asking = ask_in_turn(all, server);
      co_await std::move(asking);
    }
    EXPECT_EQ(open_descriptors(), before);
    runtime.stop();
  };
  const control::Job job = runtime.spawn("test", run());
  runtime.run();
}

TEST(Probe, EndsWhenItsJobIsCancelled) {
  control::Runtime runtime;
  control::Job job;
  std::promise<void> closed;
  const ScriptedServer server([&](Conversation& c) {
    runtime.post([&] { job.cancel(); });
    (void)c.read_all();
    closed.set_value();
    runtime.post([&] { runtime.stop(); });
  });
  const auto settings = std::make_shared<config::Health>(settings_of(HealthType::http));
  const auto keeper = [](const Outcome&) { ADD_FAILURE() << "it was cancelled"; };
  job = runtime.spawn("test", keep(probe(settings, {server.endpoint(), ""}), keeper));
  runtime.run();
  closed.get_future().get();
}

// The answer lies in the socket, in more pieces than one read takes, when the control thread comes back too late.
TEST(Probe, TimeInWhichTheControlThreadDidNotRunDoesNotCount) {
  control::Runtime runtime;
  std::promise<void> sent;
  const ScriptedServer server([&](Conversation& c) {
    c.send(std::string(20'000, 'x'));
    c.send("done");
    sent.set_value();
    (void)c.read_all();
  });
  config::Health settings = settings_of(HealthType::script);
  settings.timeout = milliseconds{200};
  settings.steps = {{"", "", "done", ""}};
  std::optional<Outcome> outcome;
  const auto keeper = [&](const Outcome& kept) {
    outcome = kept;
    runtime.stop();
  };
  const control::Job job =
      runtime.spawn("test", keep(probe(std::make_shared<config::Health>(settings), {server.endpoint(), ""}), keeper));
  runtime.post([&] {  // behind the beginning of the probe
    const auto begin = std::chrono::steady_clock::now();
    sent.get_future().wait();
    while (std::chrono::steady_clock::now() < begin + milliseconds{400}) {
    }
  });
  runtime.run();
  EXPECT_EQ(outcome->reason, "all 1 steps done");
}

}  // namespace
}  // namespace holdfast::health
