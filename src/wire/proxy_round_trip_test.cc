// What is written is read back, for random addresses and TLVs; and what is changed at random is never read too far.
#include "base/random.h"
#include "wire/proxy_testing.h"

namespace holdfast::wire {
namespace {

using namespace proxy_testing;

constexpr int kRounds = 20'000;

PeerAddress random_address(base::Random& random, Family family) {
  PeerAddress address;
  address.family = family;
  if (family == Family::none || family == Family::unix_socket) return address;
  address.port = static_cast<std::uint16_t>(random.next());
  const std::size_t bytes = family == Family::ipv4 ? 4 : 16;
  const std::uint32_t zeros_of_four = random.below(5);  // runs of zeros are what is hard in the text of IPv6
  for (std::size_t i = 0; i < bytes; ++i) {
    address.bytes[i] = static_cast<std::uint8_t>(random.below(4) < zeros_of_four ? 0 : random.next());
  }
  return address;
}

Family random_family(base::Random& random) { return static_cast<Family>(random.below(4)); }

// The address as it must arrive when it was sent beside one of the other family.
PeerAddress as_sent(const PeerAddress& address, const PeerAddress& other) {
  if (address.family == other.family) return address;
  const bool both_ip = address.family != Family::none && other.family != Family::none &&
                       address.family != Family::unix_socket && other.family != Family::unix_socket;
  if (!both_ip) return {};
  if (address.family == Family::ipv6) return address;
  PeerAddress mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, address.port, Family::ipv6};
  for (std::size_t i = 0; i < 4; ++i) mapped.bytes[12 + i] = address.bytes[i];
  return mapped;
}

TEST(ProxyRoundTrip, V1GivesTheAddressesBack) {
  base::Random random(1);
  for (int round = 0; round < kRounds; ++round) {
    const PeerAddress source = random_address(random, random_family(random));
    const PeerAddress destination = random_address(random, random_family(random));
    std::vector<std::byte> out(kProxyV1BytesMax);
    out.resize(write_proxy_v1(source, destination, out));
    const ProxyRead read = read_proxy_header(out);
    ASSERT_EQ(read.status, ProxyStatus::whole) << text_of(out) << read.fault;
    ASSERT_EQ(read.bytes, out.size());
    const bool is_unix = source.family == Family::unix_socket && destination.family == Family::unix_socket;
    ASSERT_EQ(read.header.source, is_unix ? PeerAddress{} : as_sent(source, destination)) << text_of(out);
    ASSERT_EQ(read.header.destination, is_unix ? PeerAddress{} : as_sent(destination, source)) << text_of(out);
  }
}

std::vector<ProxyTlv> random_tlvs(base::Random& random, std::span<const std::byte> values) {
  std::vector<ProxyTlv> tlvs(random.below(5));
  for (ProxyTlv& each : tlvs) {
    each.type = static_cast<ProxyTlvType>(0x80 + random.below(128));  // without the types whose values are looked at
    each.value = values.first(random.below(static_cast<std::uint32_t>(values.size())));
  }
  return tlvs;
}

TEST(ProxyRoundTrip, V2GivesAddressesAndTlvsBack) {
  base::Random random(2);
  const std::string values(300, 'v');
  for (int round = 0; round < kRounds; ++round) {
    const PeerAddress source = random_address(random, random_family(random));
    const PeerAddress destination = random_address(random, random_family(random));
    const std::vector<ProxyTlv> tlvs = random_tlvs(random, bytes_of(values));
    const ProxyCrc crc = random.below(2) == 0 ? ProxyCrc::without : ProxyCrc::with;
    std::vector<std::byte> out(kProxyBytesMax);
    out.resize(write_proxy_v2(source, destination, {tlvs, crc}, out));
    const ProxyRead read = read_proxy_header(out);
    ASSERT_EQ(read.status, ProxyStatus::whole) << read.fault;
    ASSERT_EQ(read.bytes, out.size());
    ASSERT_EQ(read.header.source, as_sent(source, destination));
    ASSERT_EQ(read.header.destination, as_sent(destination, source));
    if (read.header.source.family == Family::none) continue;
    auto got = read.header.tlvs.begin();
    for (const ProxyTlv& each : tlvs) {
      ASSERT_EQ((*got).type, each.type);
      ASSERT_EQ(text_of((*got).value), text_of(each.value));
      ++got;
    }
    ASSERT_EQ(got != read.header.tlvs.end(), crc == ProxyCrc::with) << "only the checksum follows";
  }
}

TEST(ProxyRoundTrip, ChangedBytesAreNeverReadTooFar) {
  base::Random random(3);
  const std::string values(300, 'v');
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::byte> out(kProxyBytesMax);
    const PeerAddress source = random_address(random, random_family(random));
    const std::size_t size = random.below(2) == 0
                                 ? write_proxy_v1(source, source, out)
                                 : write_proxy_v2(source, source, {random_tlvs(random, bytes_of(values))}, out);
    out.resize(size);
    const std::size_t at = 5 + random.below(static_cast<std::uint32_t>(std::min<std::size_t>(size, 60) - 5));
    out[at] = static_cast<std::byte>(random.next());
    const Reading read(text_of(out));
    ASSERT_LE(read->bytes, size);
    ASSERT_EQ(read->bytes != 0, read->status == ProxyStatus::whole);
  }
}

}  // namespace
}  // namespace holdfast::wire
