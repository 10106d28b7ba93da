#include "auth/users.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace holdfast::auth {
namespace {

constexpr const char* kHash = "$2b$04$abcdefghijklmnopqrstuO7oW0DHSvmyj9.r2SAVAvUi0vYAUGV4S";

std::string faults_of(std::string_view text) {
  config::Faults faults;
  EXPECT_EQ(read_users(text, faults), nullptr) << text;
  std::string lines;
  for (const config::Fault& each : faults.in_file_order("users")) lines += to_text(each) + "\n";
  return lines;
}

std::string user(const char* more, const char* name = "ann") {
  return fmt::format("[[user]]\nname = \"{}\"\npassword_hash = \"{}\"\n{}", name, kHash, more);
}

TEST(ReadUsers, ReadsEveryKey) {
  config::Faults faults;
  const std::string ann_and_bob =
      user("client_ids = [\"c1\", \"c2\"]\naddresses = [\"10.0.0.0/8\"]\nsuperuser = true\n") + user("", "bob");
  const auto users = read_users(ann_and_bob, faults);
  ASSERT_NE(users, nullptr);
  EXPECT_EQ(users->size(), 2U);
  const User* ann = users->find("ann");
  ASSERT_NE(ann, nullptr);
  EXPECT_EQ(ann->password_hash, kHash);
  EXPECT_EQ(ann->client_ids, (std::vector<std::string>{"c1", "c2"}));
  EXPECT_EQ(ann->addresses.front().text(), "10.0.0.0/8");
  EXPECT_TRUE(ann->superuser);
  ASSERT_NE(users->find("bob"), nullptr);
  EXPECT_FALSE(users->find("bob")->superuser);
  EXPECT_EQ(users->find("carl"), nullptr);
  EXPECT_EQ(users->find(""), nullptr);
  EXPECT_EQ(users->decoy_hash(), kHash);
}

TEST(ReadUsers, AFileMayHaveNobody) {
  config::Faults faults;
  const auto users = read_users("", faults);
  ASSERT_NE(users, nullptr);
  EXPECT_EQ(users->size(), 0U);
  EXPECT_EQ(users->decoy_hash(), "");
}

TEST(ReadUsers, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(faults_of("[[user]]\n"),
            "users:1:1: [[user]] has no `name`; it must be text of 1 to 65535 bytes without control characters\n"
            "users:1:1: [[user]] has no `password_hash`; it must be the hash of a password, as `holdfast password` "
            "makes it\n");
  EXPECT_EQ(
      faults_of(user("password = \"x\"\n")),
      "users:4:1: unknown key `password` in [[user]]; there are `name`, `password_hash`, `client_ids`, `addresses`, "
      "`superuser`\n");
  EXPECT_EQ(faults_of(user("") + user("")),
            "users:5:8: the name \"ann\" is taken by the [[user]] at line 2; names must differ\n");
  EXPECT_EQ(faults_of("[[user]]\nname = \"ann\"\npassword_hash = \"topsecret\"\n"),
            "users:3:17: `password_hash` must be a hash of bcrypt, yescrypt, scrypt, SHA-512 or SHA-256, as `holdfast "
            "password` makes it\n");
  EXPECT_EQ(faults_of("[[user]]\nname = \"ann\"\npassword_hash = \"$2b$04$abc\"\n"),
            "users:3:17: `password_hash` must be a whole hash, as `holdfast password` makes it; a part of this one is "
            "missing or wrong\n");
  EXPECT_EQ(faults_of(user("addresses = [\"10.0.0.1/8\"]\n")).substr(0, 11), "users:4:14:");
  EXPECT_EQ(faults_of("[[usr]]\n"), "users:1:3: unknown section [[usr]]; did you mean [[user]]?\n");
}

TEST(ReadUsers, NeverShowsWhatMayBeAPassword) {
  EXPECT_EQ(faults_of("[[user]]\nname = \"ann\"\npassword_hash = \"topsecret\"\n").find("topsecret"),
            std::string::npos);
  EXPECT_EQ(faults_of("[[user]]\nname = \"ann\"\npassword_hash = 4711\n").find("4711"), std::string::npos);
}

TEST(ReadUsers, SurvivesBeingCutAtEveryByte) {
  const std::string text = user("client_ids = [\"c1\"]\naddresses = [\"::1\"]\nsuperuser = true\n");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    config::Faults faults;
    const auto users = read_users(std::string_view(text).substr(0, cut), faults);
    ASSERT_EQ(users == nullptr, !faults.empty()) << cut;
  }
}

TEST(MayCome, ClientIdAndAddressMustBothBeRight) {
  User ann{.name = "ann", .password_hash = kHash, .client_ids = {}, .addresses = {}};
  const base::PeerAddress near{{10, 1, 2, 3}, 5, base::PeerAddress::Family::ipv4};
  const base::PeerAddress far{{11, 1, 2, 3}, 5, base::PeerAddress::Family::ipv4};
  EXPECT_TRUE(may_come(ann, "x", far));
  ann.client_ids = {"c1", "c2"};
  EXPECT_TRUE(may_come(ann, "c2", far));
  EXPECT_FALSE(may_come(ann, "c3", far));
  EXPECT_FALSE(may_come(ann, "", far));
  ann.addresses = {*base::parse_cidr("10.0.0.0/8")};
  EXPECT_TRUE(may_come(ann, "c1", near));
  EXPECT_FALSE(may_come(ann, "c1", far));
  EXPECT_FALSE(may_come(ann, "c1", {{}, 0, base::PeerAddress::Family::unix_socket}));
}

}  // namespace
}  // namespace holdfast::auth
