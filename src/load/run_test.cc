// Every traffic model against every kind of server, in one process.
#include "load/run.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "load/report.h"
#include "load/server.h"

namespace holdfast::load {
namespace {

using std::chrono::milliseconds;

net::SocketAddress address_of(const std::string& text) {
  return *net::SocketAddress::from(*base::parse_endpoint(text));
}

// A server on a thread of its own.
class Desk {
 public:
  explicit Desk(Service service, const std::string& bind = "127.0.0.1:0")
      : server_(loop_, service), address(*server_.listen(address_of(bind))), thread_([this] { loop_.run([] {}); }) {}
  ~Desk() {
    loop_.stop();
    thread_.join();
  }

 private:
  net::Loop loop_;
  Server server_;

 public:
  const net::SocketAddress address;

 private:
  std::thread thread_;
};

class Notes final : public Observer {
 public:
  void on_settled(std::int64_t count) override { open = count; }
  std::int64_t open = -1;
};

// Of a machine that does something else: what must happen while it is measured happens in the rest.
constexpr milliseconds kLongerThanAPause{600};

Settings settings_for(Traffic traffic, const Desk& desk) {
  Settings settings;
  settings.traffic = traffic;
  settings.target = desk.address;
  settings.duration = milliseconds{100};
  settings.warmup = milliseconds{20};
  return settings;
}

Outcome run_one(const Settings& settings) {
  Notes notes;
  const auto outcome = run(settings, -1, notes);
  EXPECT_TRUE(outcome);
  return *outcome;
}

std::uint64_t count_of(const Outcome& outcome, Failure failure) {
  return outcome.failures[static_cast<std::size_t>(failure)];
}

TEST(Echo, ChecksEveryReplyWhateverTheShapeOfTheTraffic) {
  struct Case {
    const char* name;
    const char* bind;
    std::uint32_t connections, message_bytes, in_flight, threads;
  };
  const Case cases[] = {
      {"small messages", "127.0.0.1:0", 50, 64, 1, 1},
      {"the smallest, many at a time", "[::1]:0", 5, kMessageBytesMin, 500, 1},
      {"the largest, which no socket takes at once", "127.0.0.1:0", 2, kMessageBytesMax, 2, 1},
      {"sizes that fit nowhere evenly", "127.0.0.1:0", 7, 99'991, 3, 2},
      {"more threads than connections", "127.0.0.1:0", 2, 64, 1, 3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Desk desk(Service::echo, c.bind);
    Settings settings = settings_for(Traffic::echo, desk);
    settings.connections = c.connections;
    settings.message_bytes = c.message_bytes;
    settings.in_flight = c.in_flight;
    settings.threads = c.threads;
    settings.duration = kLongerThanAPause;
    const Outcome outcome = run_one(settings);
    EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
    EXPECT_EQ(outcome.opened, c.connections);
    EXPECT_GT(outcome.operations, 0U);
    EXPECT_EQ(outcome.latency.count(), outcome.operations);
    EXPECT_EQ(outcome.measured, settings.duration);
  }
}

TEST(Echo, SendsExactlyWhatTheRateAsksFor) {
  const Desk desk(Service::echo);
  Settings settings = settings_for(Traffic::echo, desk);
  settings.rate = 3000;
  settings.connections = 7;
  settings.in_flight = 1000;
  settings.threads = 2;
  const Outcome outcome = run_one(settings);
  EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
  EXPECT_EQ(outcome.operations, 300U);
}

TEST(Echo, CountsWhatIsNeverAnswered) {
  const Desk desk(Service::sink);
  Settings settings = settings_for(Traffic::echo, desk);
  settings.connections = 3;
  EXPECT_EQ(count_of(run_one(settings), Failure::unanswered), 3U);
  settings.rate = 1000;
  const Outcome paced = run_one(settings);
  EXPECT_EQ(count_of(paced, Failure::unanswered), 3U);
  EXPECT_EQ(count_of(paced, Failure::unsent), 117U) << "120 were due in 120 ms, but one a connection may be in flight";
}

TEST(Echo, CountsWrongReplies) {
  const Desk desk(Service::source);
  Settings settings = settings_for(Traffic::echo, desk);
  settings.connections = 3;
  EXPECT_EQ(count_of(run_one(settings), Failure::wrong_reply), 3U);
}

TEST(Bulk, MovesBytesBothWays) {
  for (const Direction direction : {Direction::up, Direction::down}) {
    for (const char* const bind : {"127.0.0.1:0", "[::1]:0"}) {
      const Desk desk(direction == Direction::up ? Service::sink : Service::source, bind);
      Settings settings = settings_for(Traffic::bulk, desk);
      settings.direction = direction;
      settings.duration = kLongerThanAPause;
      settings.connections = 4;
      const Outcome outcome = run_one(settings);
      EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
      EXPECT_GT(outcome.bytes, 1'000'000U);
    }
  }
}

TEST(Connect, MakesConnectionsAndEndsThemEitherWay) {
  for (const Ending ending : {Ending::orderly, Ending::reset}) {
    for (const std::uint32_t message_bytes : {0U, 64U}) {
      SCOPED_TRACE(message_bytes);
      const Desk desk(Service::echo);
      Settings settings = settings_for(Traffic::connect, desk);
      settings.ending = ending;
      settings.duration = kLongerThanAPause;
      settings.message_bytes = message_bytes;
      settings.connections = 10;
      settings.sources = {address_of("127.0.0.2:0"), address_of("127.0.0.3:0")};
      const Outcome outcome = run_one(settings);
      EXPECT_EQ(outcome.failed(), 0U) << to_text(settings, outcome);
      EXPECT_GT(outcome.operations, 10U) << "places are used again";
      EXPECT_GE(outcome.opened, outcome.operations);
    }
  }
}

TEST(Hold, RampsUpAndKeepsThemAll) {
  for (const std::uint32_t message_bytes : {0U, 64U}) {
    const Desk desk(Service::echo);
    Settings settings = settings_for(Traffic::hold, desk);
    settings.connections = 100;
    settings.ramp = 2000;
    settings.message_bytes = message_bytes;
    settings.threads = 2;
    if (message_bytes > 0) settings.ping_interval = milliseconds{50};
    settings.duration = kLongerThanAPause;
    Notes notes;
    const auto outcome = run(settings, -1, notes);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->failed(), 0U) << to_text(settings, *outcome);
    EXPECT_EQ(notes.open, 100);
    EXPECT_EQ(outcome->held, 100);
    EXPECT_EQ(outcome->lost, 0);
    EXPECT_EQ(outcome->operations > 0, message_bytes > 0) << "pings";
  }
}

TEST(Run, EndsWhenNoConnectionIsLeft) {
  auto desk = std::make_unique<Desk>(Service::echo);
  Settings settings = settings_for(Traffic::hold, *desk);
  settings.connections = 10;
  settings.duration = std::chrono::hours{1};
  class Closer final : public Observer {
   public:
    explicit Closer(std::unique_ptr<Desk>& open_desk) : desk_(open_desk) {}
    void on_settled(std::int64_t) override { desk_.reset(); }

   private:
    std::unique_ptr<Desk>& desk_;
  } closer(desk);
  const auto outcome = run(settings, -1, closer);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->held, 10);
  EXPECT_EQ(outcome->lost, 10);
  EXPECT_EQ(outcome->failed(), 10U);
}

TEST(Run, SaysAtOnceThatNobodyListens) {
  Settings settings;
  {
    const Desk desk(Service::echo);
    settings = settings_for(Traffic::echo, desk);
  }
  Notes notes;
  const auto outcome = run(settings, -1, notes);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::refused);
}

TEST(Run, EndsEarlyWithWhatItHasWhenInterrupted) {
  const Desk desk(Service::echo);
  Settings settings = settings_for(Traffic::echo, desk);
  settings.duration = std::chrono::hours{1};
  base::EventFd interrupt;
  class Interrupter final : public Observer {
   public:
    explicit Interrupter(base::EventFd& fd) : fd_(fd) {}
    void on_progress(const Progress& progress) override {
      if (progress.done > 0) fd_.wake();
    }

   private:
    base::EventFd& fd_;
  } interrupter(interrupt);
  const auto outcome = run(settings, interrupt.fd(), interrupter);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->failed(), 0U);
  EXPECT_GT(outcome->operations, 0U);
  EXPECT_LT(outcome->measured, std::chrono::minutes{1});
}

TEST(Report, IsOneLineOfJsonAndAlignedText) {
  Settings settings;
  settings.target = address_of("unix:/tmp/a\"b");
  Outcome outcome;
  outcome.measured = std::chrono::seconds{2};
  outcome.operations = 10;
  outcome.failures[static_cast<std::size_t>(Failure::ended)] = 2;
  outcome.latency.record(std::chrono::microseconds{100});
  const std::string json = to_json(settings, outcome);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_NE(json.find("\"target\":\"unix:/tmp/a\\\"b\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"per_second\":5.00"), std::string::npos) << json;
  EXPECT_NE(json.find("\"p99\":100.00"), std::string::npos) << json;
  EXPECT_NE(json.find("\"errors\":{\"total\":2,"), std::string::npos) << json;
  const std::string text = to_text(settings, outcome);
  EXPECT_NE(text.find("\nround trips  10, 5/s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nerrors       2, 2 ended"), std::string::npos) << text;
}

}  // namespace
}  // namespace holdfast::load
