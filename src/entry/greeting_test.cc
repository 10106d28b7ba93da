#include "entry/greeting.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "base/cidr.h"
#include "net/address.h"
#include "net/socket.h"

namespace holdfast::entry {
namespace {

using What = Verdict::What;
using config::ProxyIn;

constexpr base::Time kNow{std::chrono::hours(1)};
const std::string kEmpty;
const std::string kOf192 = "PROXY TCP4 192.0.2.9 198.51.100.1 4000 1883\r\n";
const std::string kUnknown = "PROXY UNKNOWN\r\n";
const std::string kLocal("\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", 16);

base::PeerAddress address(const std::string& text) {
  return net::SocketAddress::from(*base::parse_endpoint(text))->peer();
}

enum class End : std::uint8_t { open, ended, reset };

// A client at a real socket, and the door that it has come to.
class Caller {
 public:
  explicit Caller(ProxyIn proxy, config::Entrance entrance = some())
      : admission_(entrance, process_, base::SipKey{1, 2}), door_{admission_, proxy} {
    const net::Fd listener = *net::open_listener(address_of("127.0.0.1:0"), {}, net::Sharing::alone);
    outer_ = net::Fd(*net::dial(*net::SocketAddress::local_of(listener.get()), {}));
    pollfd waiting{listener.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 10'000), 1);
    net::SocketAddress from;
    inner_ = net::Fd(::accept4(listener.get(), from.get(), from.room(), SOCK_NONBLOCK | SOCK_CLOEXEC));
    transport_ = net::Transport(inner_.get());
    client = socket_of = from.peer();
    own = net::SocketAddress::local_of(inner_.get())->peer();
  }

  static config::Entrance some() {
    config::Entrance entrance;
    entrance.max_connections = 10;
    entrance.address_prefix_ipv6 = 64;
    return entrance;
  }

  // Returns when it has arrived.
  void say(const std::string& text, End end = End::open) {
    const auto before = transport_.unread_bytes();
    ASSERT_EQ(::send(outer_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    const base::Time patience = base::Clock::now() + std::chrono::seconds(10);
    while (transport_.unread_bytes() < before + text.size()) ASSERT_LT(base::Clock::now(), patience);
    if (end == End::open) return;
    if (end == End::ended) ::shutdown(outer_.get(), SHUT_WR);
    if (end == End::reset) net::Transport(outer_.release()).abort();
    const short awaited = end == End::ended ? POLLRDHUP : POLLHUP;
    pollfd arriving{inner_.get(), awaited, 0};
    ASSERT_EQ(::poll(&arriving, 1, 10'000), 1);
    hangup = true;
    broken |= end == End::reset;
  }
  // The header of a check of HAProxy in version 1: this very connection.
  [[nodiscard]] std::string own_header() const {
    return "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(socket_of.port) + " " + std::to_string(own.port) + "\r\n";
  }
  [[nodiscard]] Greeting greeting() {
    return {Newcomer{transport_, client, destination, hangup, broken}, door_, kNow, scratch_};
  }
  // What is left for whoever reads next.
  [[nodiscard]] std::string rest() {
    std::array<std::byte, 100> into;
    const std::size_t bytes = transport_.read(into).bytes;
    return {reinterpret_cast<const char*>(into.data()), bytes};
  }

  base::PeerAddress client;
  base::PeerAddress destination;
  base::PeerAddress socket_of;
  base::PeerAddress own;
  bool hangup = false;
  bool broken = false;

 private:
  static net::SocketAddress address_of(const std::string& text) {
    return *net::SocketAddress::from(*base::parse_endpoint(text));
  }

  ProcessLimit process_;
  Admission admission_;
  Door door_;
  net::Fd outer_;
  net::Fd inner_;
  net::Transport transport_;
  std::array<std::byte, wire::kProxyBytesMax> scratch_;
};

struct Case {
  const char* name;
  ProxyIn proxy;
  std::string said;
  End end;
  What what;
  RefuseReason reason{};
};

const Case kHeard[] = {
    {"nothing yet", ProxyIn::required, kEmpty, End::open, What::wait},
    {"a header", ProxyIn::required, kOf192, End::open, What::let_in},
    {"a header, and it has ended its side", ProxyIn::required, kOf192, End::ended, What::let_in},
    {"a header, and more", ProxyIn::optional, kOf192 + "rest", End::open, What::let_in},
    {"none, where it is required", ProxyIn::required, "GET /", End::open, What::refused, RefuseReason::proxy_missing},
    {"none", ProxyIn::optional, "GET /", End::open, What::let_in},
    {"a part", ProxyIn::required, "PROXY TCP4 192", End::open, What::wait},
    {"a part, and the end", ProxyIn::required, "PROXY TCP4 192", End::ended, What::refused,
     RefuseReason::proxy_malformed},
    {"a part where none is needed, and the end", ProxyIn::optional, "PROXY TCP4 192", End::ended, What::refused,
     RefuseReason::proxy_malformed},
    {"the begin of anything, and the end", ProxyIn::optional, "\r\n", End::ended, What::let_in},
    {"a broken one", ProxyIn::optional, "PROXY TCP4 nobody\r\n", End::open, What::refused,
     RefuseReason::proxy_malformed},
    {"closed without a word", ProxyIn::required, kEmpty, End::ended, What::probe},
    {"reset without a word", ProxyIn::required, kEmpty, End::reset, What::probe},
    {"LOCAL", ProxyIn::required, kLocal, End::open, What::check},
    {"LOCAL, and closed", ProxyIn::required, kLocal, End::ended, What::probe},
    {"UNKNOWN", ProxyIn::required, kUnknown, End::open, What::check},
    {"UNKNOWN, and it has something to say", ProxyIn::required, kUnknown + "hello", End::open, What::let_in},
};

TEST(Greeting, TheFirstWordsDecide) {
  for (const Case& row : kHeard) {
    SCOPED_TRACE(row.name);
    Caller caller(row.proxy);
    caller.say(row.said, row.end);
    const Verdict verdict = caller.greeting().hear();
    EXPECT_EQ(verdict.what, row.what);
    EXPECT_EQ(verdict.reason, row.reason);
  }
}

const Case kLate[] = {
    {"nothing", ProxyIn::required, kEmpty, End::open, What::refused, RefuseReason::proxy_timeout},
    {"nothing, and none is needed", ProxyIn::optional, kEmpty, End::open, What::let_in},
    {"the begin of anything", ProxyIn::optional, "PRO", End::open, What::let_in},
    {"a part", ProxyIn::optional, "PROXY TCP4 192", End::open, What::refused, RefuseReason::proxy_timeout},
};

TEST(Greeting, WhoHasNotSaidItInTimeIsServedOnlyWithoutOne) {
  for (const Case& row : kLate) {
    SCOPED_TRACE(row.name);
    Caller caller(row.proxy);
    caller.say(row.said);
    EXPECT_EQ(caller.greeting().hear().what, What::wait);
    const Verdict verdict = caller.greeting().late();
    EXPECT_EQ(verdict.what, row.what);
    EXPECT_EQ(verdict.reason, row.reason);
  }
}

TEST(Greeting, TakesTheHeaderAndNoByteMore) {
  Caller caller(ProxyIn::required);
  caller.say(kOf192 + "CONNECT");
  ASSERT_EQ(caller.greeting().hear().what, What::let_in);
  EXPECT_EQ(caller.client, address("192.0.2.9:4000"));
  EXPECT_EQ(caller.destination, address("198.51.100.1:1883"));
  EXPECT_EQ(caller.rest(), "CONNECT");
}

TEST(Greeting, WaitsAtEachByteAndTakesNothingBeforeTheLast) {
  Caller caller(ProxyIn::required);
  for (std::size_t at = 0; at + 1 < kOf192.size(); ++at) {
    caller.say(kOf192.substr(at, 1));
    ASSERT_EQ(caller.greeting().hear().what, What::wait) << at;
    ASSERT_EQ(caller.client, caller.socket_of);
  }
  caller.say("\n");
  EXPECT_EQ(caller.greeting().hear().what, What::let_in);
}

TEST(Greeting, ItsOwnConnectionIsACheckUntilItSpeaks) {
  for (const End end : {End::open, End::ended, End::reset}) {
    Caller caller(ProxyIn::required);
    caller.say(caller.own_header());
    ASSERT_EQ(caller.greeting().hear().what, What::check);
    EXPECT_EQ(caller.greeting().hear_more().what, What::wait);
    caller.say(end == End::open ? "hello" : "", end);
    EXPECT_EQ(caller.greeting().hear_more().what, end == End::open ? What::let_in : What::probe);
  }
  Caller silent(ProxyIn::required);
  silent.say(kUnknown);
  ASSERT_EQ(silent.greeting().hear().what, What::check);
  EXPECT_EQ(silent.greeting().unchecked().what, What::let_in) << "it waits for the server to speak first";
  EXPECT_EQ(silent.client, silent.socket_of);
}

TEST(Greeting, OnlyThoseWhoAreTrustedAreBelieved) {
  config::Entrance entrance = Caller::some();
  entrance.proxy_protocol_from = {*base::parse_cidr("10.0.0.0/8")};
  for (const std::string& said : {kOf192, std::string("PROXY TCP4 nobody\r\n")}) {
    Caller caller(ProxyIn::optional, entrance);
    caller.say(said);
    const Verdict verdict = caller.greeting().hear();
    EXPECT_EQ(verdict.what, What::refused);
    EXPECT_EQ(verdict.reason, RefuseReason::proxy_untrusted);
  }
  entrance.proxy_protocol_from = {*base::parse_cidr("127.0.0.0/8")};
  Caller caller(ProxyIn::required, entrance);
  caller.say(kOf192);
  EXPECT_EQ(caller.greeting().hear().what, What::let_in);
}

TEST(Greeting, TheListsAreAboutWhomTheHeaderNames) {
  config::Entrance entrance = Caller::some();
  entrance.deny = {*base::parse_cidr("192.0.2.0/24")};
  entrance.max_connections_per_address = 1;
  Caller denied(ProxyIn::required, entrance);
  denied.say(kOf192);
  EXPECT_EQ(denied.greeting().hear().reason, RefuseReason::denied);
  entrance.deny = {*base::parse_cidr("127.0.0.0/8")};
  Caller caller(ProxyIn::required, entrance);
  caller.say(kOf192);
  const Verdict verdict = caller.greeting().hear();
  EXPECT_EQ(verdict.what, What::let_in);
  EXPECT_EQ(verdict.placed, Placed::yes);
}

TEST(Greeting, ABrokenConnectionIsNoClient) {
  Caller caller(ProxyIn::optional);
  caller.say("hello");
  caller.say("", End::reset);
  EXPECT_EQ(caller.greeting().late().what, What::reset);
}

}  // namespace
}  // namespace holdfast::entry
