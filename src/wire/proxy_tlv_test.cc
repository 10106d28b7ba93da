#include "wire/proxy_tlv.h"

#include <iterator>

#include "wire/proxy_testing.h"

namespace holdfast::wire {
namespace {

using namespace proxy_testing;

static_assert(std::forward_iterator<ProxyTlvs::Iterator>);

using Listed = std::vector<std::pair<int, std::string>>;

Listed listed(const ProxyTlvs& tlvs) {
  Listed all;
  for (const ProxyTlv& each : tlvs) all.emplace_back(static_cast<int>(each.type), text_of(each.value));
  return all;
}

// Walked over in memory that ends where the text ends.
Listed listed(std::string_view text) {
  const std::vector<std::byte> copy(bytes_of(text).begin(), bytes_of(text).end());
  return listed(ProxyTlvs(copy));
}

//= PROXY 2.2 type=test
TEST(ProxyTlvs, AreWalkedOverToTheFirstThatDoesNotFit) {
  const std::string text = tlv(0x02, "example.org") + tlv(0x04, "") + tlv(0xff, std::string(300, 'x'));
  const Listed all = {{0x02, "example.org"}, {0x04, ""}, {0xff, std::string(300, 'x')}};
  EXPECT_EQ(listed(text), all);
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const std::size_t whole = cut < 14 ? 0 : cut < 17 ? 1 : 2;
    EXPECT_EQ(listed(std::string_view(text).substr(0, cut)), Listed(all.begin(), std::next(all.begin(), int(whole))));
    const bool is_between = cut == 0 || cut == 14 || cut == 17;
    EXPECT_EQ(ProxyTlvs(bytes_of(text).first(cut)).is_well_formed(), is_between) << cut;
  }
  EXPECT_TRUE(ProxyTlvs(bytes_of(text)).is_well_formed());
  EXPECT_TRUE(ProxyTlvs().is_well_formed());
}

TEST(ProxyTlvs, FindTheFirstOfAType) {
  const std::string text = tlv(0x02, "a") + tlv(0x01, "h2") + tlv(0x02, "b");
  const ProxyTlvs tlvs(bytes_of(text));
  EXPECT_EQ(text_of(tlvs.find(ProxyTlvType::authority).value()), "a");
  EXPECT_EQ(text_of(tlvs.find(ProxyTlvType::alpn).value()), "h2");
  EXPECT_FALSE(tlvs.find(ProxyTlvType::netns));
}

//= PROXY 2.2.6 type=test
TEST(ReadProxySsl, FollowsTheSpec) {
  const std::string inner = tlv(0x21, "TLSv1.3") + tlv(0x22, "example.com");
  const std::string value = std::string("\x05\x01\x02\x03\x04", 5) + inner;
  const auto ssl = read_proxy_ssl(bytes_of(value));
  ASSERT_TRUE(ssl);
  EXPECT_EQ(ssl->client, ProxySsl::kTls | ProxySsl::kCertSession);
  EXPECT_EQ(ssl->verify, 0x01020304U);
  EXPECT_EQ(listed(ssl->tlvs), (Listed{{0x21, "TLSv1.3"}, {0x22, "example.com"}}));
  for (std::size_t cut = 0; cut < value.size(); ++cut) {
    const bool is_between = cut == 5 || cut == 15;
    EXPECT_EQ(read_proxy_ssl(bytes_of(value).first(cut)).has_value(), is_between) << cut;
  }
}

TEST(WriteProxyTlv, WritesNothingThatDoesNotFit) {
  const std::string longest(65535, 'x');
  std::vector<std::byte> out(70000);
  EXPECT_EQ(write_proxy_tlv({ProxyTlvType::noop, bytes_of(longest)}, out), 65538U);
  EXPECT_EQ(listed(ProxyTlvs(std::span(out).first(65538))), (Listed{{0x04, longest}}));
  EXPECT_EQ(write_proxy_tlv({ProxyTlvType::noop, bytes_of(longest + "x")}, out), 0U);
  EXPECT_EQ(write_proxy_tlv({ProxyTlvType::noop, bytes_of("abc")}, std::span(out).first(6)), 6U);
  EXPECT_EQ(write_proxy_tlv({ProxyTlvType::noop, bytes_of("abc")}, std::span(out).first(5)), 0U);
}

}  // namespace
}  // namespace holdfast::wire
