#include "entry/admission.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "base/cidr.h"
#include "base/endpoint.h"
#include "net/address.h"

namespace holdfast::entry {
namespace {

using namespace std::chrono_literals;

constexpr base::Time kNow{std::chrono::hours(1)};
constexpr base::SipKey kSeed{1, 2};

base::PeerAddress address(const std::string& text) {
  const std::string bracketed = text.find(':') == std::string::npos ? text : "[" + text + "]";
  return net::SocketAddress::from(*base::parse_endpoint(bracketed + ":1"))->peer();
}

config::Entrance listener() {
  config::Entrance made;
  made.max_connections = 1000;
  made.address_prefix_ipv6 = 64;
  return made;
}

// What a listening socket does with a client: in, or why not.
std::optional<RefuseReason> come(const Admission& admission, const std::string& from, base::Time now = kNow) {
  const base::PeerAddress client = address(from);
  bool placed = false;
  if (const auto reason = admission.recognise(client, now, placed)) return reason;
  const auto reason = admission.enter(now);
  if (reason && placed) admission.forget(client);
  return reason;
}

void go(const Admission& admission, const std::string& who) {
  admission.forget(address(who));
  admission.leave();
}

TEST(Admission, EveryLimitHasItsReasonAndTheFirstOneSaysIt) {
  config::Entrance limits = listener();
  limits.deny = {*base::parse_cidr("10.0.0.0/24")};
  limits.allow = {*base::parse_cidr("10.0.0.0/8"), *base::parse_cidr("2001:db8::/32")};
  limits.max_connections_per_address = 2;
  limits.max_connections = 4;
  ProcessLimit process{.max_connections = 3};
  Admission admission(limits, process, kSeed);
  EXPECT_EQ(come(admission, "10.0.0.1"), RefuseReason::denied);
  EXPECT_EQ(come(admission, "192.0.2.1"), RefuseReason::not_allowed);
  EXPECT_EQ(come(admission, "10.1.0.1"), std::nullopt);
  EXPECT_EQ(come(admission, "10.1.0.1"), std::nullopt);
  EXPECT_EQ(come(admission, "10.1.0.1"), RefuseReason::max_connections_per_address);
  EXPECT_EQ(come(admission, "2001:db8::1"), std::nullopt);
  EXPECT_EQ(come(admission, "10.1.0.2"), RefuseReason::process_max_connections);
  process.max_connections = 10;
  EXPECT_EQ(come(admission, "10.1.0.2"), std::nullopt)
      << "who was refused for another limit has no place of its address";
  EXPECT_EQ(come(admission, "10.1.0.2"), RefuseReason::max_connections);
  EXPECT_EQ(admission.connections(), 4U);
  EXPECT_EQ(process.connections, 4U);
  go(admission, "10.1.0.1");
  EXPECT_EQ(come(admission, "10.1.0.2"), std::nullopt);
}

TEST(Admission, ARefusalForTheRateTakesNoPlace) {
  config::Entrance limits = listener();
  limits.accept_rate.per_second = 1;
  limits.accept_burst = 2;
  limits.accept_rate_per_address.per_second = 1;
  limits.accept_burst_per_address = 1;
  limits.max_connections_per_address = 5;
  ProcessLimit process;
  Admission admission(limits, process, kSeed);
  EXPECT_EQ(come(admission, "10.0.0.1"), std::nullopt);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(come(admission, "10.0.0.1"), RefuseReason::accept_rate_per_address);
  EXPECT_EQ(come(admission, "10.0.0.2"), std::nullopt);
  EXPECT_EQ(come(admission, "10.0.0.3"), RefuseReason::accept_rate);
  EXPECT_EQ(admission.connections(), 2U);
  EXPECT_EQ(process.connections, 2U);
  for (int second = 1; second <= 4; ++second) EXPECT_EQ(come(admission, "10.0.0.1", kNow + second * 1s), std::nullopt);
  EXPECT_EQ(come(admission, "10.0.0.1", kNow + 10s), RefuseReason::max_connections_per_address)
      << "the refused had none";
}

TEST(Admission, TheFirstBitsOfIpv6AreOneAddress) {
  config::Entrance limits = listener();
  limits.max_connections_per_address = 1;
  limits.address_prefix_ipv6 = 56;
  ProcessLimit process;
  Admission admission(limits, process, kSeed);
  EXPECT_EQ(come(admission, "2001:db8:0:100::1"), std::nullopt);
  EXPECT_EQ(come(admission, "2001:db8:0:1ff::9"), RefuseReason::max_connections_per_address);
  EXPECT_EQ(come(admission, "2001:db8:0:200::1"), std::nullopt);
  EXPECT_EQ(come(admission, "10.0.0.1"), std::nullopt);
  EXPECT_EQ(come(admission, "10.0.0.2"), std::nullopt);
  EXPECT_EQ(come(admission, "::ffff:10.0.0.2"), RefuseReason::max_connections_per_address) << "the same host";
}

TEST(Admission, OtherRulesCountOnWhatWasCounted) {
  config::Entrance limits = listener();
  limits.max_connections_per_address = 2;
  ProcessLimit process;
  const Admission first(limits, process, kSeed);
  EXPECT_EQ(come(first, "10.0.0.1"), std::nullopt);
  EXPECT_EQ(come(first, "10.0.0.1"), std::nullopt);
  limits.max_connections_per_address = 3;
  limits.deny = {*base::parse_cidr("192.0.2.0/24")};
  const Admission more(limits, first);
  EXPECT_FALSE(more.counts_apart_from(first));
  EXPECT_EQ(come(more, "192.0.2.1"), RefuseReason::denied);
  EXPECT_EQ(come(more, "10.0.0.1"), std::nullopt);
  EXPECT_EQ(come(more, "10.0.0.1"), RefuseReason::max_connections_per_address);
  EXPECT_EQ(more.connections(), 3U);
  go(first, "10.0.0.1");
  EXPECT_EQ(come(more, "10.0.0.1"), std::nullopt) << "whoever gives the place back";
  EXPECT_EQ(process.connections, 3U);
}

TEST(Admission, PlacesMoveWhenAddressesAreCountedInAnotherWay) {
  config::Entrance limits = listener();
  ProcessLimit process;
  const Admission uncounted(limits, process, kSeed);
  limits.max_connections_per_address = 1;
  const Admission counted(limits, uncounted);
  ASSERT_TRUE(counted.counts_apart_from(uncounted));
  EXPECT_EQ(counted.move_place(address("2001:db8::1"), uncounted, Placed::no), Placed::yes);
  EXPECT_EQ(counted.move_place(address("2001:db8::2"), uncounted, Placed::no), Placed::yes) << "it is in already";
  EXPECT_EQ(come(counted, "2001:db8::3"), RefuseReason::max_connections_per_address);
  limits.address_prefix_ipv6 = 128;
  const Admission narrow(limits, counted);
  ASSERT_TRUE(narrow.counts_apart_from(counted));
  EXPECT_EQ(narrow.move_place(address("2001:db8::1"), counted, Placed::yes), Placed::yes);
  EXPECT_EQ(come(narrow, "2001:db8::1"), RefuseReason::max_connections_per_address);
  EXPECT_EQ(come(narrow, "2001:db8::3"), std::nullopt);
  limits.max_connections_per_address = 0;
  const Admission off(limits, narrow);
  EXPECT_EQ(off.move_place(address("2001:db8::1"), narrow, Placed::yes), Placed::no);
  EXPECT_EQ(come(off, "2001:db8::1"), std::nullopt);
}

TEST(Admission, ManyThreadsNeverLetInOneTooManyAndGiveAllPlacesBack) {
  config::Entrance limits = listener();
  limits.max_connections = 20;
  limits.max_connections_per_address = 6;
  ProcessLimit process{.max_connections = 15};
  Admission admission(limits, process, kSeed);
  std::atomic<int> in{0};
  std::atomic<int> most{0};
  const auto storm = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::string> mine;
    for (int i = 0; i < 20'000; ++i) {
      const std::string who = "10.0.0." + std::to_string(random() % 4);
      if (random() % 2 == 0 && !come(admission, who)) {
        mine.push_back(who);
        const int now = ++in;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
      }
      if (mine.empty() || random() % 2 == 0) continue;
      --in;  // first: what is seen is never more than there is
      go(admission, mine.back());
      mine.pop_back();
    }
    for (const auto& who : mine) --in, go(admission, who);
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t) threads.emplace_back(storm, t);
  }
  EXPECT_LE(most, 15);
  EXPECT_GE(most, 5);
  EXPECT_EQ(admission.connections(), 0U);
  EXPECT_EQ(process.connections, 0U);
  int again = 0;
  for (int i = 0; i < 100; ++i) again += come(admission, "10.0.1." + std::to_string(i % 10)) ? 0 : 1;
  EXPECT_EQ(again, 15);
}

}  // namespace
}  // namespace holdfast::entry
