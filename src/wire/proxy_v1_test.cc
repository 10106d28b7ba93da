#include "wire/proxy_testing.h"

namespace holdfast::wire {
namespace {

using namespace proxy_testing;

constexpr std::string_view kLongAddress = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

PeerAddress ones(std::uint16_t port) {
  PeerAddress address{{}, port, Family::ipv6};
  address.bytes.fill(0xff);
  return address;
}

PeerAddress mapped(std::uint8_t last, std::uint16_t port) {
  return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last}, port, Family::ipv6};
}

std::string longest(std::string_view word) {
  return "PROXY " + std::string(word) + " " + std::string(kLongAddress) + " " + std::string(kLongAddress) +
         " 65535 65535\r\n";
}

//= PROXY 2.1 type=test
TEST(ReadProxyV1, TakesWhatTheSpecAllows) {
  struct Case {
    const char* name;
    std::string line;
    PeerAddress source;
    PeerAddress destination;
  };
  const Case cases[] = {
      {"IPv4", "PROXY TCP4 10.0.0.1 10.0.0.2 56324 443\r\n", ipv4(1, 56324), ipv4(2, 443)},
      {"ports at their ends", "PROXY TCP4 10.0.0.1 10.0.0.2 0 65535\r\n", ipv4(1, 0), ipv4(2, 65535)},
      {"IPv6", "PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 1 2\r\n", ipv6(1, 1), ipv6(2, 2)},
      {"IPv4 in IPv6", "PROXY TCP6 ::ffff:10.0.0.1 ::ffff:a00:2 1 2\r\n", mapped(1, 1), mapped(2, 2)},
      {"IPv6, longest", longest("TCP6"), ones(65535), ones(65535)},
      {"unknown", "PROXY UNKNOWN\r\n", {}, {}},
      {"unknown with addresses", "PROXY UNKNOWN 10.0.0.1 10.0.0.2 1 2\r\n", {}, {}},
      {"unknown with anything", "PROXY UNKNOWN \xff \t\x7f  PROXY \r\n", {}, {}},
      {"unknown, longest", longest("UNKNOWN"), {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_whole(c.line, {ProxyVersion::v1, ProxyCommand::proxy, c.source, c.destination, {}});
  }
  EXPECT_EQ(longest("TCP6").size(), 104U);
  EXPECT_EQ(longest("UNKNOWN").size(), kProxyV1BytesMax);
}

//= PROXY 2.1 type=test
TEST(ReadProxyV1, RefusesWhatTheSpecDoesNot) {
  struct Case {
    const char* line;
    const char* fault;
  };
  const Case cases[] = {
      {"PROXY\r\n", "no space"},
      {"PROXYTCP4 10.0.0.1 10.0.0.2 1 2\r\n", "no space"},
      {"PROXY\tTCP4 10.0.0.1 10.0.0.2 1 2\r\n", "no space"},
      {"PROXY \r\n", "fields"},
      {"PROXY  TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "fields"},
      {"PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n", "none of"},
      {"PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n", "none of"},
      {"PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n", "none of"},
      {"PROXY TCP 10.0.0.1 10.0.0.2 1 2\r\n", "none of"},
      {"PROXY UNKNOWNX\r\n", "fields"},
      {"PROXY unknown\r\n", "fields"},
      {"PROXY UNKNOW\r\n", "fields"},
      {"PROXY TCP4\r\n", "fields"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", "fields"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n", "fields"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n", "fields"},
      {"PROXY TCP4 10.0.0.1  10.0.0.2 1 2\r\n", "fields"},
      {"PROXY TCP4 10.0.0.1  1 2\r\n", "destination"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 \r\n", "destination"},
      {"PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.01 10.0.0.2 1 2\r\n", "source"},
      {"PROXY TCP4 10.0.0 10.0.0.2 1 2\r\n", "source"},
      {"PROXY TCP4 ::1 10.0.0.2 1 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 ::1 1 2\r\n", "destination"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 00 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 +1 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 -1 2\r\n", "source"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 0x2\r\n", "destination"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\t\r\n", "destination"},
      {"PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n", "source"},
      {"PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n", "source"},
      {"PROXY TCP6 [::1] ::2 1 2\r\n", "source"},
      {"PROXY TCP6 ::1 1::2::3 1 2\r\n", "destination"},
      {"PROXY TCP6 ::1 1:2:3:4:5:6:7 1 2\r\n", "destination"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n", "LF without CR"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\rx", "CR without LF"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\r\n", "CR without LF"},
      {"PROXY UNKNOWN a\nb\r\n", "LF without CR"},
      {"PROXY UNKNOWN a\rb\r\n", "CR without LF"},
      {"PROXY \n", "LF without CR"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.line);
    expect_malformed(c.line, c.fault);
  }
  expect_malformed(std::string("PROXY TCP4 10.0.0.1\0 10.0.0.2 1 2\r\n", 36), "source");
}

//= PROXY 2.1 type=test
TEST(ReadProxyV1, EndsWithin107Bytes) {
  const std::string start = "PROXY UNKNOWN ";
  expect_whole(start + std::string(kProxyV1BytesMax - start.size() - 2, 'x') + "\r\n", {});
  expect_malformed(start + std::string(kProxyV1BytesMax - start.size() - 1, 'x') + "\r\n", "first 107 bytes");
  const std::string endless = start + std::string(kProxyV1BytesMax - start.size() - 1, 'x');
  EXPECT_EQ(Reading(endless)->status, ProxyStatus::malformed) << "CR LF has no place any more";
  EXPECT_EQ(Reading(std::string_view(endless).substr(0, endless.size() - 1))->status, ProxyStatus::more);
}

TEST(ReadProxyHeader, IsNoneFromTheFirstByteThatDiffers) {
  for (const std::string& signature : {std::string("PROXY"), std::string("\r\n\r\n\0\r\nQUIT\n", 12)}) {
    for (std::size_t at = 0; at < signature.size(); ++at) {
      std::string other = signature;
      other[at] = static_cast<char>(other[at] ^ 0x20);
      for (const std::string& behind : {std::string(), std::string("\r\n"), std::string(5000, '\0')}) {
        const Reading read(other.substr(0, at + 1) + behind);
        EXPECT_EQ(read->status, ProxyStatus::none) << at;
        EXPECT_EQ(read->bytes, 0U);
      }
    }
  }
  EXPECT_EQ(Reading("")->status, ProxyStatus::more);
  EXPECT_EQ(Reading("GET / HTTP/1.1\r\n")->status, ProxyStatus::none);
  EXPECT_EQ(Reading("\x16\x03\x01")->status, ProxyStatus::none);
}

TEST(ReadProxyHeader, TellsABeginThatMayBeAnythingFromASignature) {
  for (const std::string& signature : {std::string("PROXY"), std::string("\r\n\r\n\0\r\nQUIT\n", 12)}) {
    for (std::size_t cut = 0; cut < signature.size(); ++cut) {
      EXPECT_FALSE(has_proxy_signature(bytes_of(signature).first(cut))) << cut;
    }
    EXPECT_TRUE(has_proxy_signature(bytes_of(signature)));
    EXPECT_TRUE(has_proxy_signature(bytes_of(signature + "x")));
  }
}

//= PROXY 2.1 type=test
TEST(WriteProxyV1, FollowsItsTable) {
  const PeerAddress zeros_inside{{0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0xab, 0xcd}, 1, Family::ipv6};
  const PeerAddress tie{{0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4}, 1, Family::ipv6};
  const PeerAddress single{{0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 8}, 1, Family::ipv6};
  const PeerAddress at_end{{0xff, 2, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0}, 1, Family::ipv6};
  const PeerAddress zero{{}, 1, Family::ipv6};
  struct Case {
    const char* name;
    PeerAddress source;
    PeerAddress destination;
    std::string want;
  };
  const Case cases[] = {
      {"IPv4", ipv4(1, 56324), ipv4(2, 443), "PROXY TCP4 10.0.0.1 10.0.0.2 56324 443\r\n"},
      {"IPv6", ipv6(1, 0), ipv6(255, 65535), "PROXY TCP6 2001:db8::1 2001:db8::ff 0 65535\r\n"},
      {"longest", ones(65535), ones(65535), longest("TCP6")},
      {"IPv4 to IPv6", ipv4(1, 1), ipv6(2, 2), "PROXY TCP6 ::ffff:a00:1 2001:db8::2 1 2\r\n"},
      {"IPv6 to IPv4", ipv6(1, 1), ipv4(2, 2), "PROXY TCP6 2001:db8::1 ::ffff:a00:2 1 2\r\n"},
      {"the longest run of zeros", zeros_inside, tie, "PROXY TCP6 1:0:0:2::abcd 1::2:3:0:0:4 1 1\r\n"},
      {"a single zero, zeros at the end", single, at_end, "PROXY TCP6 1:2:3:4:5:6:0:8 ff02:1:1:1:1:1:: 1 1\r\n"},
      {"all zero", zero, zero, "PROXY TCP6 :: :: 1 1\r\n"},
      {"unix", unix_socket(), unix_socket(), "PROXY UNKNOWN\r\n"},
      {"unix to IPv4", unix_socket(), ipv4(1, 1), "PROXY UNKNOWN\r\n"},
      {"one unknown", ipv4(1, 1), {}, "PROXY UNKNOWN\r\n"},
      {"both unknown", {}, {}, "PROXY UNKNOWN\r\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::byte> out(kProxyV1BytesMax);
    const std::size_t size = write_proxy_v1(c.source, c.destination, out);
    EXPECT_EQ(text_of(std::span(out).first(size)), c.want);
    std::vector<std::byte> exact(size);
    EXPECT_EQ(write_proxy_v1(c.source, c.destination, exact), size);
    std::vector<std::byte> short_of_one(size - 1);
    EXPECT_EQ(write_proxy_v1(c.source, c.destination, short_of_one), 0U);
  }
}

}  // namespace
}  // namespace holdfast::wire
