// bench/admission_bench.cc: what admission costs for each connection: lists of networks, keys, counts and rates.
//
// cmake --build build --target admission_bench && build/admission_bench
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "policy/address_counts.h"
#include "policy/address_key.h"
#include "policy/address_rates.h"
#include "policy/cidr_set.h"

namespace holdfast::app {
namespace {

using base::Cidr;
using base::PeerAddress;

constexpr std::size_t kPeers = 4096;  // a power of two
constexpr base::SipKey kSeed{1, 2};

PeerAddress random_peer(std::mt19937_64& random, PeerAddress::Family family) {
  PeerAddress peer;
  peer.family = family;
  const std::size_t length = family == PeerAddress::Family::ipv4 ? 4 : 16;
  std::generate_n(peer.bytes.begin(), length, [&] { return static_cast<std::uint8_t>(random()); });
  return peer;
}

std::vector<PeerAddress> random_peers(PeerAddress::Family family) {
  std::mt19937_64 random(1);
  std::vector<PeerAddress> peers(kPeers);
  std::ranges::generate(peers, [&] { return random_peer(random, family); });
  return peers;
}

// Networks anywhere, few of which touch one another; most peers are in none, as in life.
policy::CidrSet random_set(std::size_t networks, PeerAddress::Family family) {
  std::mt19937_64 random(2);
  std::vector<Cidr> list;
  const bool is_ipv4 = family == PeerAddress::Family::ipv4;
  for (std::size_t i = 0; i < networks; ++i) {
    const auto prefix = static_cast<std::uint8_t>((is_ipv4 ? 20 : 32) + random() % 9);
    list.push_back({random_peer(random, family).bytes, prefix, is_ipv4 ? Cidr::Family::ipv4 : Cidr::Family::ipv6});
  }
  return policy::CidrSet(list);
}

void find_in_networks(benchmark::State& state, PeerAddress::Family family) {
  const policy::CidrSet set = random_set(static_cast<std::size_t>(state.range(0)), family);
  const std::vector<PeerAddress> peers = random_peers(family);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(set.contains(peers[i++ % kPeers]));
}
BENCHMARK_CAPTURE(find_in_networks, ipv4, PeerAddress::Family::ipv4)->Arg(1)->Arg(1'000)->Arg(100'000);
BENCHMARK_CAPTURE(find_in_networks, ipv6, PeerAddress::Family::ipv6)->Arg(1)->Arg(1'000)->Arg(100'000);

void make_key(benchmark::State& state, PeerAddress::Family family) {
  const std::vector<PeerAddress> peers = random_peers(family);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(policy::address_key(peers[i++ % kPeers], 64, kSeed));
}
BENCHMARK_CAPTURE(make_key, ipv4, PeerAddress::Family::ipv4);
BENCHMARK_CAPTURE(make_key, ipv6, PeerAddress::Family::ipv6);

std::vector<std::uint64_t> random_keys(std::size_t count) {
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> keys(count);
  std::ranges::generate(keys, std::ref(random));
  return keys;
}

// A take and a release in a table that is as full as it may be, of addresses that have no other connection (known: 0)
// or have some.
void count_address(benchmark::State& state) {
  const auto others = random_keys(static_cast<std::size_t>(state.range(0)));
  const bool is_known = state.range(1) != 0;
  policy::AddressCounts counts(others.size() + kPeers);
  for (const std::uint64_t key : others) (void)counts.take(key, 1000);
  std::mt19937_64 random(4);
  std::vector<std::uint64_t> keys(kPeers);
  std::ranges::generate(keys, [&] { return is_known ? others[random() % others.size()] : random(); });
  std::size_t i = 0;
  for (auto _ : state) {
    const std::uint64_t key = keys[i++ % kPeers];
    if (counts.take(key, 1000) == policy::AddressCounts::Take::taken) counts.release(key);
  }
}
BENCHMARK(count_address)->ArgNames({"addresses", "known"})->ArgsProduct({{1'000, 100'000, 4'000'000}, {0, 1}});

// Two threads and one address: the worst that can be done to the one word.
void count_one_address(benchmark::State& state) {
  static policy::AddressCounts counts(1'000);
  for (auto _ : state) {
    if (counts.take(7, 1000) == policy::AddressCounts::Take::taken) counts.release(7);
  }
}
BENCHMARK(count_one_address)->Threads(1)->Threads(2)->UseRealTime();

// An accept of an address that comes too fast, or of one that has not come before.
void pace_address(benchmark::State& state) {
  const auto keys = random_keys(static_cast<std::size_t>(state.range(0)));
  policy::AddressRates rates(keys.size());
  const policy::AddressPace pace = policy::AddressPace::of({1}, 10);
  std::size_t i = 0;
  base::Time now{std::chrono::hours(1)};
  for (auto _ : state) {
    benchmark::DoNotOptimize(rates.take(keys[i++ % keys.size()], pace, now));
    now += std::chrono::nanoseconds(100);
  }
}
BENCHMARK(pace_address)->ArgName("addresses")->Arg(1'000)->Arg(100'000)->Arg(4'000'000);

}  // namespace
}  // namespace holdfast::app

BENCHMARK_MAIN();
