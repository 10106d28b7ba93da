#include <array>

#include "wire/crc32c.h"
#include "wire/proxy_testing.h"

namespace holdfast::wire {
namespace {

using namespace proxy_testing;

const std::string kIpv4Block("\x0a\0\0\x01\x0a\0\0\x02\x12\x34\xff\xff", 12);
const std::string kIpv6Block = std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16) +
                               std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\0\x01\0\x02", 20);
const std::string kUnixBlock = "/client" + std::string(101, '\0') + "/server" + std::string(101, '\0');

ProxyHeader header(const PeerAddress& source, const PeerAddress& destination, std::string_view tlvs = {}) {
  return {ProxyVersion::v2, ProxyCommand::proxy, source, destination, ProxyTlvs(bytes_of(tlvs))};
}

ProxyHeader ipv4_header(std::string_view tlvs = {}) { return header(ipv4(1, 0x1234), ipv4(2, 0xffff), tlvs); }

// The header with its checksum put right; zeros stand where it belongs.
std::string with_crc(std::string text, std::size_t at) {
  const std::uint32_t crc = crc32c(bytes_of(text));
  for (std::size_t i = 0; i < 4; ++i) text[at + i] = static_cast<char>(crc >> (24 - 8 * i) & 0xff);
  return text;
}

std::string four_zeros() { return std::string(4, '\0'); }

//= PROXY 2.2 type=test
TEST(ReadProxyV2, TakesWhatTheSpecAllows) {
  const ProxyHeader unknown = header({}, {});
  const ProxyHeader local{ProxyVersion::v2, ProxyCommand::local, {}, {}, {}};
  const std::string tlvs = tlv(0x02, "example.org") + tlv(0x04, "") + tlv(0xea, std::string(300, 'x'));
  struct Case {
    const char* name;
    std::string text;
    ProxyHeader want;
  };
  const Case cases[] = {
      {"TCP over IPv4", v2_header(0x21, 0x11, kIpv4Block), ipv4_header()},
      {"UDP over IPv4", v2_header(0x21, 0x12, kIpv4Block), ipv4_header()},
      {"TCP over IPv6", v2_header(0x21, 0x21, kIpv6Block), header(ipv6(1, 1), ipv6(2, 2))},
      {"UDP over IPv6", v2_header(0x21, 0x22, kIpv6Block), header(ipv6(1, 1), ipv6(2, 2))},
      {"unix stream", v2_header(0x21, 0x31, kUnixBlock), header(unix_socket(), unix_socket())},
      {"unix datagram", v2_header(0x21, 0x32, kUnixBlock), header(unix_socket(), unix_socket())},
      {"TLVs behind IPv4", v2_header(0x21, 0x11, kIpv4Block + tlvs), ipv4_header(tlvs)},
      {"TLVs behind IPv6", v2_header(0x21, 0x21, kIpv6Block + tlvs), header(ipv6(1, 1), ipv6(2, 2), tlvs)},
      {"TLVs behind unix", v2_header(0x21, 0x31, kUnixBlock + tlvs), header(unix_socket(), unix_socket(), tlvs)},
      {"UNSPEC", v2_header(0x21, 0x00, ""), unknown},
      {"UNSPEC, anything in it", v2_header(0x21, 0x00, std::string(500, '\xff')), unknown},
      {"UNSPEC over a stream", v2_header(0x21, 0x01, "x"), unknown},
      {"UNSPEC over datagrams", v2_header(0x21, 0x02, "x"), unknown},
      {"IPv4, transport UNSPEC", v2_header(0x21, 0x10, "x"), unknown},
      {"IPv6, transport UNSPEC", v2_header(0x21, 0x20, "x"), unknown},
      {"unix, transport UNSPEC", v2_header(0x21, 0x30, "x"), unknown},
      {"LOCAL", v2_header(0x20, 0x00, ""), local},
      {"LOCAL with addresses", v2_header(0x20, 0x11, kIpv4Block + tlvs), local},
      {"LOCAL, too short for its family", v2_header(0x20, 0x31, "x"), local},
      {"LOCAL, no such family", v2_header(0x20, 0xff, "x"), local},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_whole(c.text, c.want);
  }
}

//= PROXY 2.2 type=test
TEST(ReadProxyV2, RefusesWhatTheSpecDoesNot) {
  struct Case {
    const char* name;
    std::string text;
    const char* fault;
  };
  const Case cases[] = {
      {"version 0", v2_header(0x01, 0x11, kIpv4Block), "version or command"},
      {"version 1", v2_header(0x11, 0x11, kIpv4Block), "version or command"},
      {"version 3", v2_header(0x31, 0x11, kIpv4Block), "version or command"},
      {"command 2", v2_header(0x22, 0x11, kIpv4Block), "version or command"},
      {"command 15", v2_header(0x2f, 0x11, kIpv4Block), "version or command"},
      {"family 4", v2_header(0x21, 0x41, kIpv4Block), "family or transport"},
      {"family 15", v2_header(0x21, 0xf1, kIpv4Block), "family or transport"},
      {"transport 3", v2_header(0x21, 0x13, kIpv4Block), "family or transport"},
      {"transport 15", v2_header(0x21, 0x1f, kIpv4Block), "family or transport"},
      {"family 4, transport UNSPEC", v2_header(0x21, 0x40, ""), "family or transport"},
      {"IPv4 without addresses", v2_header(0x21, 0x11, ""), "too short"},
      {"IPv4 less a byte", v2_header(0x21, 0x11, kIpv4Block.substr(1)), "too short"},
      {"IPv6 less a byte", v2_header(0x21, 0x21, kIpv6Block.substr(1)), "too short"},
      {"unix less a byte", v2_header(0x21, 0x31, kUnixBlock.substr(1)), "too short"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_malformed(c.text, c.fault);
  }
}

TEST(ReadProxyV2, SaysWhatIsWrongAsSoonAsItIsThere) {
  const auto status = [](std::uint8_t command, std::uint8_t family, std::size_t cut) {
    return Reading(v2_header(command, family, "").substr(0, cut))->status;
  };
  EXPECT_EQ(status(0x31, 0x11, 12), ProxyStatus::more);
  EXPECT_EQ(status(0x31, 0x11, 13), ProxyStatus::malformed);
  EXPECT_EQ(status(0x21, 0x41, 13), ProxyStatus::more);
  EXPECT_EQ(status(0x21, 0x41, 14), ProxyStatus::malformed);
  EXPECT_EQ(status(0x21, 0x11, 15), ProxyStatus::more);
  EXPECT_EQ(status(0x21, 0x11, 16), ProxyStatus::malformed);
}

TEST(ReadProxyV2, IsAtMost4096BytesLong) {
  for (const ProxyCommand each : {ProxyCommand::local, ProxyCommand::proxy}) {
    const std::uint8_t command = each == ProxyCommand::local ? 0x20 : 0x21;
    SCOPED_TRACE(int{command});
    ProxyHeader want = header({}, {});
    want.command = each;
    expect_whole(v2_header(command, 0x00, std::string(kProxyBytesMax - 16, 'x')), want);
    const std::string too_long = v2_header(command, 0x00, std::string(kProxyBytesMax - 15, 'x'));
    EXPECT_EQ(Reading(std::string_view(too_long).substr(0, 16))->status, ProxyStatus::malformed);
    expect_malformed(too_long, "longer than 4096");
    EXPECT_EQ(Reading(v2_header(command, 0x00, std::string(65535, 'x')))->status, ProxyStatus::malformed);
  }
  const std::string tlvs = tlv(0xe0, std::string(kProxyBytesMax - 16 - 12 - 3, 'x'));
  expect_whole(v2_header(0x21, 0x11, kIpv4Block + tlvs), ipv4_header(tlvs));
}

//= PROXY 2.2 type=test
//= PROXY 2.2.5 type=test
//= PROXY 2.2.6 type=test
TEST(ReadProxyV2, RefusesTlvsThatDoNotFit) {
  const std::string good = tlv(0x02, "example.org");
  const std::string ssl_head("\x01\0\0\0\0", 5);
  struct Case {
    const char* name;
    std::string tlvs;
    const char* fault;
  };
  const Case cases[] = {
      {"one byte", std::string(1, '\x04'), "longer than the header"},
      {"two bytes", std::string("\x04\0", 2), "longer than the header"},
      {"a value that is not there", std::string("\x04\0\x01", 3), "longer than the header"},
      {"a value too long by one", std::string("\x04\0\x03xx", 5), "longer than the header"},
      {"the longest value", std::string("\x04\xff\xffxx", 5), "longer than the header"},
      {"one byte behind a good one", good + "\x04", "longer than the header"},
      {"a bad one behind a good one", good + std::string("\x04\x01\0x", 4), "longer than the header"},
      {"unique id", tlv(0x05, std::string(kProxyUniqueIdBytesMax + 1, 'x')), "unique id"},
      {"SSL without its head", tlv(0x20, ssl_head.substr(1)), "within SSL"},
      {"a cut TLV in SSL", tlv(0x20, ssl_head + std::string("\x21\0", 2)), "within SSL"},
      {"a TLV too long for SSL", tlv(0x20, ssl_head + std::string("\x21\0\x02x", 4)), "within SSL"},
      {"CRC of three bytes", tlv(0x03, "123"), "CRC32C of 4 bytes"},
      {"CRC of five bytes", tlv(0x03, "12345"), "CRC32C of 4 bytes"},
      {"CRC", tlv(0x03, "1234"), "CRC32C is wrong"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_malformed(v2_header(0x21, 0x11, kIpv4Block + c.tlvs), c.fault);
  }
  const std::string longest_id = tlv(0x05, std::string(kProxyUniqueIdBytesMax, 'x'));
  expect_whole(v2_header(0x21, 0x11, kIpv4Block + longest_id), ipv4_header(longest_id));
}

//= PROXY 2.2.3 type=test
TEST(ReadProxyV2, HoldsTheHeaderAgainstItsChecksum) {
  const std::string crc = tlv(0x03, four_zeros());
  for (const std::string& before : {std::string(), tlv(0x02, "example.org")}) {
    for (const std::string& behind : {std::string(), tlv(0x04, "  ")}) {
      const std::size_t at = 16 + kIpv4Block.size() + before.size() + 3;
      const std::string text = with_crc(v2_header(0x21, 0x11, kIpv4Block + before + crc + behind), at);
      expect_whole(text, ipv4_header(std::string_view(text).substr(16 + kIpv4Block.size())));
      for (std::size_t bit = 16 * 8; bit < text.size() * 8; ++bit) {
        std::string other = text;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        const bool hides_crc = bit / 8 >= 28 && bit / 8 < at;  // another type or length: then it is no checksum
        EXPECT_TRUE(hides_crc || Reading(other)->status == ProxyStatus::malformed) << bit;
      }
    }
  }
  const std::string both = v2_header(0x21, 0x11, kIpv4Block + crc + crc);
  expect_malformed(with_crc(both, 16 + kIpv4Block.size() + 3), "not one CRC32C");
}

// Checksum first, padding last, as load balancers of clouds send it. It was not made by the code under test.
TEST(ReadProxyV2, TakesAChecksumMadeElsewhere) {
  const std::string tlvs =
      tlv(0x03, "\x81\xad\xb2\xba") + tlv(0xea, "\x01vpce-0123456789abcdef0") + tlv(0x04, std::string(36, '\0'));
  const std::string text = v2_header(0x21, 0x11, kIpv4Block + tlvs);
  expect_whole(text, ipv4_header(tlvs));
}

std::string written(const PeerAddress& source, const PeerAddress& destination, const ProxyExtras& extras) {
  std::vector<std::byte> out(kProxyBytesMax);
  const std::size_t size = write_proxy_v2(source, destination, extras, out);
  std::vector<std::byte> exact(size, std::byte{0xaa});  // what was in memory before must not be sent
  EXPECT_EQ(write_proxy_v2(source, destination, extras, exact), size);
  std::vector<std::byte> short_of_one(size > 0 ? size - 1 : 0);
  EXPECT_EQ(write_proxy_v2(source, destination, extras, short_of_one), 0U);
  return text_of(exact);
}

//= PROXY 2.2 type=test
TEST(WriteProxyV2, FollowsItsTable) {
  const std::string mapped_source = std::string(10, '\0') + std::string("\xff\xff\x0a\0\0\x01", 6);
  const std::string ipv6_destination = kIpv6Block.substr(16, 16);
  struct Case {
    const char* name;
    PeerAddress source;
    PeerAddress destination;
    std::string want;
  };
  const Case cases[] = {
      {"IPv4", ipv4(1, 0x1234), ipv4(2, 0xffff), v2_header(0x21, 0x11, kIpv4Block)},
      {"IPv6", ipv6(1, 1), ipv6(2, 2), v2_header(0x21, 0x21, kIpv6Block)},
      {"IPv4 to IPv6", ipv4(1, 1), ipv6(2, 2),
       v2_header(0x21, 0x21, mapped_source + ipv6_destination + std::string("\0\x01\0\x02", 4))},
      {"IPv6 to IPv4", ipv6(2, 2), ipv4(1, 1),
       v2_header(0x21, 0x21, ipv6_destination + mapped_source + std::string("\0\x02\0\x01", 4))},
      {"unix", unix_socket(), unix_socket(), v2_header(0x21, 0x31, std::string(216, '\0'))},
      {"unix to IPv4", unix_socket(), ipv4(1, 1), v2_header(0x21, 0x00, "")},
      {"one unknown", ipv4(1, 1), {}, v2_header(0x21, 0x00, "")},
      {"both unknown", {}, {}, v2_header(0x21, 0x00, "")},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(written(c.source, c.destination, {}), c.want);
  }
  EXPECT_EQ(written(unix_socket(), unix_socket(), {{}, ProxyCrc::with}).size(), kProxyV2BytesMax);
}

TEST(WriteProxyV2, SendsTlvsAndAChecksumOfItsOwn) {
  const ProxyTlv given[] = {{ProxyTlvType::authority, bytes_of("example.org")},
                            {ProxyTlvType::crc32c, bytes_of("1234")},
                            {ProxyTlvType::noop, {}}};
  const std::string kept = tlv(0x02, "example.org") + tlv(0x04, "");
  EXPECT_EQ(written(ipv4(1, 0x1234), ipv4(2, 0xffff), {given}), v2_header(0x21, 0x11, kIpv4Block + kept));
  EXPECT_EQ(written({}, {}, {given}), v2_header(0x21, 0x00, kept));
  const std::string zeros = v2_header(0x21, 0x11, kIpv4Block + kept + tlv(0x03, four_zeros()));
  EXPECT_EQ(written(ipv4(1, 0x1234), ipv4(2, 0xffff), {given, ProxyCrc::with}), with_crc(zeros, zeros.size() - 4));
}

TEST(WriteProxyV2, WritesNoMoreThanIsRead) {
  const std::string longest(kProxyBytesMax - 16 - 12 - 3, 'x');
  const std::string longer = longest + "x";
  const std::string absurd(65536, 'x');
  std::vector<std::byte> out(2 * absurd.size());
  const auto size = [&out](std::string_view value, ProxyCrc crc) {
    const ProxyTlv given[] = {{ProxyTlvType::custom_first, bytes_of(value)}};
    return write_proxy_v2(ipv4(1, 1), ipv4(2, 2), {given, crc}, out);
  };
  EXPECT_EQ(size(longest, ProxyCrc::without), kProxyBytesMax);
  EXPECT_EQ(size(longer, ProxyCrc::without), 0U);
  EXPECT_EQ(size(longest, ProxyCrc::with), 0U);
  EXPECT_EQ(size(absurd, ProxyCrc::without), 0U);
}

//= PROXY 2.1 type=test
//= PROXY 2.2 type=test
TEST(WriteProxyLocal, SaysNothingOfAddresses) {
  std::array<std::byte, 16> out{};
  EXPECT_EQ(write_proxy_local(ProxyVersion::v1, out), 15U);
  EXPECT_EQ(text_of(std::span(out).first(15)), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(write_proxy_local(ProxyVersion::v1, std::span(out).first(14)), 0U);
  EXPECT_EQ(write_proxy_local(ProxyVersion::v2, out), 16U);
  EXPECT_EQ(text_of(out), v2_header(0x20, 0x00, ""));
  EXPECT_EQ(write_proxy_local(ProxyVersion::v2, std::span(out).first(15)), 0U);
}

}  // namespace
}  // namespace holdfast::wire
