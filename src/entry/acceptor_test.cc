#include "entry/acceptor.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cidr.h"
#include "net/address.h"
#include "net/socket.h"

namespace holdfast::entry {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kWorker = 1;
constexpr std::int64_t kEach = 3;

// One listener, and a house that keeps whom it is given.
class Porch final : public House {
 public:
  explicit Porch(config::Entrance entrance = some()) : admission(entrance, process, base::SipKey{1, 2}) {}
  ~Porch() {
    for (const Guest& guest : guests) ::close(guest.fd);
  }

  static config::Entrance some() {
    config::Entrance entrance;
    entrance.max_connections = 1000;
    entrance.address_prefix_ipv6 = 64;
    return entrance;
  }

  [[nodiscard]] std::span<const std::shared_ptr<ListenSocket>> sockets() const override { return open; }
  [[nodiscard]] Door door(std::uint16_t /*listener*/) const override { return {admission, proxy_protocol}; }
  void begin(int fd, const base::PeerAddress& client, std::uint16_t listener, Placed placed) override {
    guests.push_back({fd, client, listener, placed});
  }
  void count_refused(std::uint16_t /*listener*/, RefuseReason reason) override { refusals.push_back(reason); }
  void accepting_changed(Accepting now) override { changes.push_back(now); }

  // Another socket of this listener, of one worker or of all.
  net::SocketAddress listen(std::optional<std::uint16_t> worker, std::uint16_t listener = 7) {
    net::Fd fd = *net::open_listener(*net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:0")), {},
                                     net::Sharing::reuse_port);
    const net::SocketAddress address = *net::SocketAddress::local_of(fd.get());
    open.push_back(std::make_shared<ListenSocket>(std::move(fd), address, worker, others));
    open.back()->listener = listener;
    return address;
  }
  // Turns the loop until `done`, which is looked at between turns. Fails after ten seconds.
  void until(const std::function<bool()>& done) {
    const auto patience = base::Clock::now() + 10s;
    while (!done()) {
      ASSERT_LT(base::Clock::now(), patience) << "it did not come to pass";
      loop.turn(5ms, [] {});
    }
  }
  // One that was let in has gone.
  void leave() {
    ::close(guests.back().fd);
    guests.pop_back();
    admission.leave();
    budget.give(kEach);
  }

  struct Guest {
    int fd;
    base::PeerAddress client;
    std::uint16_t listener;
    Placed placed;
  };

  net::Loop loop;
  net::DescriptorBudget budget{net::DescriptorBudget::kReserve + 300};
  net::DescriptorBudget others{1000};  // for what is no connection
  ProcessLimit process;
  Admission admission;
  config::ProxyIn proxy_protocol = config::ProxyIn::off;
  std::vector<std::shared_ptr<ListenSocket>> open;
  std::vector<Guest> guests;
  std::vector<RefuseReason> refusals;
  std::vector<Accepting> changes;
  Acceptor acceptor{loop, kWorker, {budget, kEach}, *this};
};

net::Fd call(const net::SocketAddress& address) { return net::Fd(*net::dial(address, {})); }

bool has_been_closed(const net::Fd& caller) {
  char byte;
  const ssize_t got = ::recv(caller.get(), &byte, 1, MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN);
}

// How many wait to be accepted.
std::size_t queued(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  return info.tcpi_unacked;
}

TEST(Acceptor, LetsClientsOfItsOwnSocketsIn) {
  Porch porch;
  const auto own = porch.listen(kWorker, 7);
  const auto of_all = porch.listen(std::nullopt, 8);
  const auto of_another = porch.listen(0, 9);
  porch.acceptor.refresh();
  const net::Fd callers[] = {call(of_another), call(own), call(of_all)};
  porch.until([&] { return porch.guests.size() == 2; });
  EXPECT_EQ(porch.guests[0].listener + porch.guests[1].listener, 7 + 8);
  EXPECT_EQ(porch.guests[0].client.text().substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(porch.guests[0].placed, Placed::no) << "addresses are not counted";
  EXPECT_EQ(porch.budget.free(), 300 - 2 * kEach);
  EXPECT_EQ(porch.admission.connections(), 2U);
  EXPECT_EQ(porch.process.connections, 2U);
}

TEST(Acceptor, WhoIsRefusedIsCountedAndCostsNothing) {
  config::Entrance entrance = Porch::some();
  entrance.max_connections = 1;
  entrance.max_connections_per_address = 1;
  Porch porch(entrance);
  const auto address = porch.listen(kWorker);
  porch.acceptor.refresh();
  const net::Fd first = call(address);
  porch.until([&] { return porch.guests.size() == 1; });
  EXPECT_EQ(porch.guests[0].placed, Placed::yes);
  const net::Fd second = call(address);
  porch.until([&] { return has_been_closed(second); });
  EXPECT_EQ(porch.refusals, std::vector{RefuseReason::max_connections_per_address});
  EXPECT_EQ(porch.budget.free(), 300 - kEach);
  EXPECT_EQ(porch.admission.connections(), 1U);
}

TEST(Acceptor, BehindAPlaceThatIsNotHadTheAddressIsForgotten) {
  config::Entrance entrance = Porch::some();
  entrance.max_connections_per_address = 1;
  Porch porch(entrance);
  porch.process.max_connections = 0;
  const auto address = porch.listen(kWorker);
  porch.acceptor.refresh();
  const net::Fd first = call(address);
  porch.until([&] { return has_been_closed(first); });
  porch.process.max_connections = 1;
  const net::Fd second = call(address);
  porch.until([&] { return porch.guests.size() == 1; });
  EXPECT_EQ(porch.refusals, std::vector{RefuseReason::process_max_connections});
}

TEST(Acceptor, BehindAProxyTheAddressSaysNothingYet) {
  config::Entrance entrance = Porch::some();
  entrance.deny = {*base::parse_cidr("127.0.0.0/8")};
  Porch porch(entrance);
  const auto address = porch.listen(kWorker);
  porch.acceptor.refresh();
  const net::Fd refused = call(address);
  porch.until([&] { return has_been_closed(refused); });
  EXPECT_EQ(porch.refusals, std::vector{RefuseReason::denied});
  porch.proxy_protocol = config::ProxyIn::required;
  const net::Fd caller = call(address);
  porch.until([&] { return porch.guests.size() == 1; });
  EXPECT_EQ(porch.guests[0].placed, Placed::no);
}

TEST(Acceptor, PausesWithoutDescriptorsAndSaysSoOnce) {
  Porch porch;
  porch.budget.give(2 * kEach - porch.budget.free());
  const auto address = porch.listen(kWorker);
  porch.acceptor.refresh();
  const net::Fd callers[] = {call(address), call(address), call(address)};
  porch.until([&] { return !porch.changes.empty(); });
  EXPECT_EQ(porch.guests.size(), 2U);
  EXPECT_EQ(porch.budget.free(), 0);
  porch.leave();
  porch.until([&] { return porch.guests.size() == 2; });
  porch.leave();
  porch.until([&] { return porch.changes.size() == 2; });
  EXPECT_EQ(porch.changes, (std::vector{Accepting::paused, Accepting::on}));
}

TEST(Acceptor, TakesWhatASocketHasQueuedBeforeItLetsGo) {
  Porch porch;
  const auto address = porch.listen(kWorker);
  porch.acceptor.refresh();
  porch.loop.turn(0ms, [] {});
  std::vector<net::Fd> callers;
  for (int i = 0; i < 3 * Acceptor::kBurst; ++i) callers.push_back(call(address));
  const auto patience = base::Clock::now() + 10s;
  while (queued(porch.open[0]->fd()) < callers.size()) ASSERT_LT(base::Clock::now(), patience);
  porch.open.clear();
  porch.acceptor.refresh();
  EXPECT_EQ(porch.guests.size(), callers.size());
  EXPECT_EQ(porch.others.free(), 1000 - net::DescriptorBudget::kReserve + 1) << "the socket is closed";
}

TEST(Acceptor, ASocketThatIsHandedOnKeepsItsQueue) {
  Porch porch;
  const auto address = porch.listen(kWorker, 7);
  porch.acceptor.refresh();
  const net::Fd caller = call(address);
  const auto& former = porch.open[0];
  auto copy = std::make_shared<ListenSocket>(*net::duplicate(former->fd()), address, kWorker, porch.others);
  copy->listener = 8;
  former->handed_on = true;
  porch.open = {copy};
  porch.acceptor.refresh();
  EXPECT_TRUE(porch.guests.empty());
  porch.until([&] { return porch.guests.size() == 1; });
  EXPECT_EQ(porch.guests[0].listener, 8);
}

}  // namespace
}  // namespace holdfast::entry
