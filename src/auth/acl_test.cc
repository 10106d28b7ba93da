#include "auth/acl.h"

#include <gtest/gtest.h>

#include <random>

#include "auth/topic_rules.h"

namespace holdfast::auth {
namespace {

Acl acl_of(std::string_view text, Permission no_match = Permission::deny) {
  config::Faults faults;
  auto rules = read_acl(text, faults);
  for (const config::Fault& each : faults.in_file_order("acl")) ADD_FAILURE() << to_text(each);
  return {std::move(rules), no_match};
}

base::PeerAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {{a, b, c, d}, 1234, base::PeerAddress::Family::ipv4};
}

Who ann() { return {.client_id = "c1", .user = "ann", .address = ipv4(10, 0, 0, 7)}; }

std::uint32_t publish(const Acl& acl, const Who& who, std::string_view topic) {
  const Decision decision = acl.check(acl.prepare(who), Action::publish, topic);
  return decision.permission == Permission::allow ? decision.line : 1000 + decision.line;
}

std::uint32_t subscribe(const Acl& acl, const Who& who, std::string_view filter) {
  const Decision decision = acl.check(acl.prepare(who), Action::subscribe, filter);
  return decision.permission == Permission::allow ? decision.line : 1000 + decision.line;
}

TEST(Acl, WithoutRulesAllowsEverything) {
  const Acl acl;
  const Decision allowed{Permission::allow, 0};
  EXPECT_EQ(acl.check(acl.prepare({}), Action::publish, "a"), allowed);
  EXPECT_EQ(acl.check(acl.prepare(ann()), Action::subscribe, "#"), allowed);
}

TEST(Acl, TheFirstRuleThatMatchesDecides) {
  const Acl acl = acl_of(
      "deny all publish a/secret\n"
      "allow user ann publish a/+ b/#\n"
      "allow client c1 publish only/c1\n"
      "allow address 10.0.0.0/8 publish ten\n"
      "deny all publish only/#\n"
      "allow all subscribe s\n");
  EXPECT_EQ(publish(acl, ann(), "a/secret"), 1001U);
  EXPECT_EQ(publish(acl, ann(), "a/x"), 2U);
  EXPECT_EQ(publish(acl, ann(), "b"), 2U);
  EXPECT_EQ(publish(acl, ann(), "only/c1"), 3U);
  EXPECT_EQ(publish(acl, ann(), "only/c2"), 1005U);
  EXPECT_EQ(publish(acl, ann(), "ten"), 4U);
  EXPECT_EQ(publish(acl, ann(), "s"), 1000U) << "that is for subscribing";
  EXPECT_EQ(publish(acl, {.client_id = "c2", .user = "bob", .address = ipv4(11, 0, 0, 1)}, "a/x"), 1000U);
  EXPECT_EQ(publish(acl, {.client_id = "c2", .user = "", .address = {}}, "ten"), 1000U);
}

TEST(Acl, KnowsAddressesOfBothFamiliesAndMappedOnes) {
  const Acl acl = acl_of(
      "allow address 10.0.0.0/8 publish a\nallow address 10.0.0.7 publish b\nallow address 2001:db8::/32 publish c\n"
      "allow address 0.0.0.0/0 publish d\n");
  base::PeerAddress mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 7}, 1, base::PeerAddress::Family::ipv6};
  base::PeerAddress six{{0x20, 0x01, 0x0D, 0xB8, 1}, 1, base::PeerAddress::Family::ipv6};
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = mapped}, "a"), 1U);
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = mapped}, "b"), 2U);
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = ipv4(10, 0, 0, 8)}, "b"), 1000U);
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = six}, "c"), 3U);
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = six}, "d"), 1000U);
  EXPECT_EQ(publish(acl, {.client_id = "", .user = "", .address = ipv4(1, 2, 3, 4)}, "d"), 4U);
  EXPECT_EQ(
      publish(acl, {.client_id = "", .user = "", .address = {{}, 0, base::PeerAddress::Family::unix_socket}}, "d"),
      1000U);
}

TEST(Acl, ASubscriptionMustBeAllowedAsAWhole) {
  const Acl acl = acl_of(
      "allow all subscribe a/b\n"
      "allow all subscribe a/c\n"
      "allow all subscribe x/#\n"
      "allow all subscribe p/+/q\n");
  EXPECT_EQ(subscribe(acl, ann(), "a/b"), 1U);
  EXPECT_EQ(subscribe(acl, ann(), "a/+"), 1000U) << "a/d is nobody's";
  EXPECT_EQ(subscribe(acl, ann(), "x/#"), 3U);
  EXPECT_EQ(subscribe(acl, ann(), "x/+/y"), 3U);
  EXPECT_EQ(subscribe(acl, ann(), "#"), 1000U);
  EXPECT_EQ(subscribe(acl, ann(), "p/+/q"), 4U);
  EXPECT_EQ(subscribe(acl, ann(), "p/#"), 1000U);
}

TEST(Acl, ASubscriptionIsDeniedByAnythingItHasInCommonWithADeny) {
  const Acl acl = acl_of(
      "allow all subscribe a/public/#\n"
      "deny all subscribe a/+/secret $SYS/#\n"
      "allow all subscribe a/# #\n");
  EXPECT_EQ(subscribe(acl, ann(), "a/public/secret"), 1U) << "the first rule covers it";
  EXPECT_EQ(subscribe(acl, ann(), "a/x/secret"), 1002U);
  EXPECT_EQ(subscribe(acl, ann(), "a/#"), 1002U);
  EXPECT_EQ(subscribe(acl, ann(), "#"), 1002U);
  EXPECT_EQ(subscribe(acl, ann(), "a/+"), 3U);
  EXPECT_EQ(subscribe(acl, ann(), "$SYS/a"), 1002U);
  EXPECT_EQ(subscribe(acl, ann(), "b"), 3U);
}

TEST(Acl, EqIsTheFilterItself) {
  const Acl acl = acl_of("deny all subscribe eq # eq +/#\nallow all subscribe #\n");
  EXPECT_EQ(subscribe(acl, ann(), "#"), 1001U);
  EXPECT_EQ(subscribe(acl, ann(), "+/#"), 1001U);
  EXPECT_EQ(subscribe(acl, ann(), "a/#"), 2U);
}

TEST(Acl, PutsNamesInTheirPlaces) {
  const Acl acl = acl_of("allow all all home/%u/# from-%c/x %u%c\nallow user ann publish eq log/%c\n");
  EXPECT_EQ(publish(acl, ann(), "home/ann/door"), 1U);
  EXPECT_EQ(publish(acl, ann(), "home/bob/door"), 1000U);
  EXPECT_EQ(publish(acl, ann(), "from-c1/x"), 1U);
  EXPECT_EQ(publish(acl, ann(), "annc1"), 1U);
  EXPECT_EQ(publish(acl, ann(), "log/c1"), 2U);
  EXPECT_EQ(subscribe(acl, ann(), "home/ann/#"), 1U);
  EXPECT_EQ(subscribe(acl, ann(), "home/+/#"), 1000U);
}

TEST(Acl, ANameThatCouldChangeAFilterIsNoPartOfOne) {
  const Acl allows = acl_of("allow all all home/%c/#\n");
  for (const char* name : {"", "#", "+", "a/b", "$SYS", "a+"}) {
    const Who who{.client_id = name, .user = "", .address = {}};
    EXPECT_EQ(publish(allows, who, "home/a/b"), 1000U) << name;
    EXPECT_EQ(publish(allows, who, std::string("home/") + name + "/x"), 1000U) << name;
    EXPECT_EQ(subscribe(allows, who, "home/#"), 1000U) << name;
  }
  const Acl denies = acl_of("deny all all cell/x%c/# eq eq/%c\nallow all all #\n");
  EXPECT_EQ(publish(denies, ann(), "cell/xc1"), 1001U);
  EXPECT_EQ(publish(denies, ann(), "cell/xc2"), 2U);
  const Who odd{.client_id = "#", .user = "", .address = {}};
  EXPECT_EQ(publish(denies, odd, "cell/xc2"), 1001U) << "denied for all names";
  EXPECT_EQ(subscribe(denies, odd, "eq/#"), 1001U);
  EXPECT_EQ(publish(denies, odd, "elsewhere"), 2U);
}

TEST(Acl, ASuperuserMayDoEverything) {
  const Acl acl = acl_of("deny all all #\n");
  Who who = ann();
  EXPECT_EQ(publish(acl, who, "a"), 1001U);
  who.rank = Rank::superuser;
  EXPECT_EQ(publish(acl, who, "a"), 0U);
  EXPECT_EQ(subscribe(acl, who, "$SYS/#"), 0U);
}

TEST(Acl, LooksBehindWhatIsNoTopic) {
  const Acl acl = acl_of("deny all all a/secret\nallow all all a/#\n");
  EXPECT_EQ(subscribe(acl, ann(), "$share/g/a/secret"), 1001U);
  EXPECT_EQ(subscribe(acl, ann(), "$queue/a/x"), 2U);
  EXPECT_EQ(subscribe(acl, ann(), "$exclusive/a/x"), 2U);
  EXPECT_EQ(publish(acl, ann(), "$delayed/5/a/secret"), 1001U);
  EXPECT_EQ(publish(acl, ann(), "$delayed/5/a/x"), 2U);
}

TEST(Acl, KnowsWhichIdentitiesAreItsOwn) {
  const Acl first;
  const Acl second;
  const Identity identity = first.prepare(ann());
  EXPECT_TRUE(first.fits(identity));
  EXPECT_FALSE(second.fits(identity));
  EXPECT_FALSE(first.fits(Identity{}));
  EXPECT_DEATH((void)second.check(identity, Action::publish, "a"), "");
}

TEST(Acl, AnIdentityOwnsNothingWhereNothingIsAboutIt) {
  const Acl acl = acl_of("allow user bob all b\nallow all all a/#\n");
  EXPECT_LE(sizeof(Identity), 24U);
  EXPECT_EQ(acl.prepare(ann()).memory_bytes(), 0U);
  EXPECT_GT(acl.prepare({.client_id = "", .user = "bob", .address = {}}).memory_bytes(), 0U);
}

// Whatever the rules are: who may subscribe to a filter may have each of the topics that it matches.
TEST(Acl, NoSubscriptionGetsATopicThatIsDenied) {
  std::mt19937 random(7);
  const auto pick = [&random](std::initializer_list<const char*> from) {
    return std::string(*(from.begin() + std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random)));
  };
  const auto filter = [&] {
    std::string text = pick({"a", "b", "+", "$s"});
    for (int n = 0; n < 2 && pick({"y", "n"}) == "y"; ++n) text += "/" + pick({"a", "b", "+", "ann", "%u", "x%c"});
    return pick({"y", "n", "n"}) == "y" ? text + "/#" : text;
  };
  std::vector<std::string> topics;
  for (const char* one : {"a", "b", "$s"}) {
    topics.emplace_back(one);
    for (const char* two : {"a", "b", "ann", "xc1"}) {
      topics.push_back(std::string(one) + "/" + two);
      for (const char* three : {"a", "ann", "xc1"}) topics.push_back(std::string(one) + "/" + two + "/" + three);
    }
  }
  std::size_t allowed_total = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (int n = 0; n < 4; ++n) {
      text += pick({"allow", "deny"}) + " " + pick({"all", "user ann", "client c1", "user bob"}) + " subscribe " +
              filter() + " " + filter() + "\n";
    }
    const Acl acl = acl_of(text);
    std::string as_publish = text;
    for (auto at = as_publish.find("subscribe"); at != std::string::npos; at = as_publish.find("subscribe")) {
      as_publish.replace(at, 9, "publish");
    }
    const Acl by_topic = acl_of(as_publish);
    const std::string wanted = filter();
    if (wanted.find('%') != std::string::npos || subscribe(acl, ann(), wanted) >= 1000) continue;
    ++allowed_total;
    for (const std::string& topic : topics) {
      if (!matches(wanted, topic)) continue;
      ASSERT_LT(publish(by_topic, ann(), topic), 1000U) << text << wanted << " " << topic;
    }
  }
  EXPECT_GT(allowed_total, 100U);
}

}  // namespace
}  // namespace holdfast::auth
