#include "entry/bind_planner.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::entry {
namespace {

using How = PlannedBind::How;

// Listeners that change from one configuration to the next, without workers.
class World {
 public:
  // Makes the change, or says why it cannot be made. The addresses of each listener are as in a file; %1 stands for
  // the first address that was opened in this world, and so on.
  std::string change(std::vector<std::pair<std::string, std::vector<std::string>>> to, std::size_t workers = 1) {
    std::vector<config::Entrance> wanted;
    for (auto& [name, binds] : to) {
      wanted.emplace_back().name = name;
      for (const std::string& bind : binds) wanted.back().bind.push_back(*base::parse_endpoint(known(bind)));
    }
    hows.clear();
    std::vector<std::vector<PlannedBind>> planned;
    try {
      BindPlanner planner(holders(), entrances_of(wanted), Binder(workers, budget_));
      for (const config::Entrance& entrance : wanted) planned.push_back(planner.plan(entrance));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    make(wanted, planned);
    return "";
  }

  [[nodiscard]] const Bind& bind(const std::string& listener) { return listeners_[listener].binds().at(0); }
  Listening& listening(const std::string& listener) { return listeners_[listener]; }

  std::vector<How> hows;

 private:
  [[nodiscard]] std::vector<BindPlanner::Holder> holders() const {
    std::vector<BindPlanner::Holder> holders;
    for (const auto& [name, listening] : listeners_) holders.push_back({name, &listening});
    return holders;
  }
  [[nodiscard]] std::string known(const std::string& bind) const {
    return bind[0] == '%' ? opened_.at(static_cast<std::size_t>(bind[1] - '1')) : bind;
  }
  void make(const std::vector<config::Entrance>& wanted, std::vector<std::vector<PlannedBind>>& planned) {
    for (auto& binds : planned) {
      for (PlannedBind& each : binds) {
        hows.push_back(each.how);
        if (each.how == How::opened) opened_.push_back(each.bind.address.text());
        if (each.how == How::handed_on) listeners_[each.from].hand_over(each);
      }
    }
    std::map<std::string, bool> stays;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      stays[wanted[i].name] = true;
      listeners_[wanted[i].name].adopt(std::move(planned[i]), static_cast<std::uint16_t>(i), {});
    }
    for (auto& [name, listening] : listeners_) {
      if (!stays[name]) listening.stop();
    }
  }

  net::DescriptorBudget budget_{1000};
  std::map<std::string, Listening> listeners_;
  std::vector<std::string> opened_;
};

constexpr auto kAny = "127.0.0.1:0";

TEST(BindPlanner, OpensKeepsAndHandsOn) {
  World world;
  ASSERT_EQ(world.change({{"a", {kAny}}, {"b", {kAny}}}), "");
  EXPECT_EQ(world.hows, (std::vector{How::opened, How::opened}));
  const auto socket = world.bind("a").sockets.at(0);
  ASSERT_EQ(world.change({{"a", {kAny}}, {"c", {"%2"}}}), "");
  EXPECT_EQ(world.hows, (std::vector{How::kept, How::handed_on}));
  EXPECT_EQ(world.bind("a").sockets.at(0), socket) << "the same, and not another one at its address";
  EXPECT_TRUE(world.listening("b").binds().empty());
  EXPECT_EQ(world.bind("c").sockets.at(0)->listener, 1);
}

TEST(BindPlanner, WhatIsKeptGrowsWithTheWorkers) {
  World world;
  ASSERT_EQ(world.change({{"a", {kAny}}}), "");
  ASSERT_EQ(world.change({{"a", {kAny}}}, 3), "");
  EXPECT_EQ(world.hows, std::vector{How::kept});
  ASSERT_EQ(world.bind("a").sockets.size(), 3U);
  int listens = 0;
  socklen_t size = sizeof listens;
  ASSERT_EQ(::getsockopt(world.bind("a").sockets[2]->fd(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), 0);
  EXPECT_EQ(listens, 1);
}

TEST(BindPlanner, TwoCannotHaveOneAddress) {
  World world;
  ASSERT_EQ(world.change({{"a", {kAny}}}), "");
  const std::string port = std::to_string(world.bind("a").address.peer().port);
  const std::string text = world.change({{"a", {kAny}}, {"b", {"0.0.0.0:" + port}}});
  EXPECT_EQ(text.find("listener b: 0.0.0.0:" + port), 0U) << text;
  EXPECT_EQ(world.bind("a").address.peer().port, std::stoi(port)) << "nothing has changed";
}

TEST(BindPlanner, AnAddressThatWorkersStillLeaveCanBeHadAgain) {
  World world;
  ASSERT_EQ(world.change({{"a", {kAny}}}), "");
  const auto workers_have = world.bind("a").sockets.at(0);
  ASSERT_EQ(world.change({}), "");
  EXPECT_TRUE(world.listening("a").is_closing());
  EXPECT_EQ(world.change({{"b", {"%1"}}}), "") << "it is one of ours that is met there";
  EXPECT_EQ(world.hows, std::vector{How::opened});
}

TEST(Listening, IsClosingUntilWorkersHaveLetGo) {
  World world;
  ASSERT_EQ(world.change({{"a", {kAny}}}), "");
  auto workers_have = world.bind("a").sockets;
  EXPECT_FALSE(world.listening("a").is_closing());
  world.listening("a").stop();
  EXPECT_TRUE(world.listening("a").is_closing());
  EXPECT_EQ(world.listening("a").given_up(), workers_have);
  workers_have.clear();
  EXPECT_FALSE(world.listening("a").is_closing());
}

}  // namespace
}  // namespace holdfast::entry
