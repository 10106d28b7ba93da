#include "auth/password.h"

#include <gtest/gtest.h>

namespace holdfast::auth {
namespace {

// From the test vectors of Openwall's crypt_blowfish, and from `openssl passwd -6`.
TEST(Verify, KnowsHashesThatOthersHaveMade) {
  struct Case {
    const char* password;
    const char* hash;
  };
  for (const Case& c :
       {Case{"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
        {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
        {"Hello world!",
         "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"}}) {
    EXPECT_EQ(fault_of_hash(c.hash), std::nullopt) << c.hash;
    EXPECT_TRUE(verify(c.password, c.hash)) << c.hash;
    EXPECT_FALSE(verify("another", c.hash)) << c.hash;
    EXPECT_FALSE(verify("", c.hash)) << c.hash;
  }
}

TEST(MakeHash, MakesWhatVerifyKnows) {
  for (const HashMethod method : {HashMethod::bcrypt, HashMethod::yescrypt, HashMethod::sha512}) {
    const auto hash = make_hash("secret \xC3\xA4", method, method == HashMethod::bcrypt ? 4 : 0);
    ASSERT_TRUE(hash);
    EXPECT_EQ(fault_of_hash(*hash), std::nullopt) << *hash;
    EXPECT_TRUE(verify("secret \xC3\xA4", *hash));
    EXPECT_FALSE(verify("secret", *hash));
    const auto other = make_hash("secret \xC3\xA4", method, method == HashMethod::bcrypt ? 4 : 0);
    ASSERT_TRUE(other);
    EXPECT_NE(*hash, *other) << "each has its own salt";
  }
  const auto usual = make_hash("x", HashMethod::bcrypt, 0);
  ASSERT_TRUE(usual);
  EXPECT_TRUE(usual->starts_with("$2b$10$"));
}

TEST(MakeHash, RefusesWhatWouldBeCut) {
  EXPECT_TRUE(make_hash(std::string(kBcryptBytesMax, 'a'), HashMethod::bcrypt, 4));
  EXPECT_FALSE(make_hash(std::string(kBcryptBytesMax + 1, 'a'), HashMethod::bcrypt, 4));
  EXPECT_TRUE(make_hash(std::string(kPasswordBytesMax, 'a'), HashMethod::sha512, 0));
  EXPECT_FALSE(make_hash(std::string(kPasswordBytesMax + 1, 'a'), HashMethod::sha512, 0));
  EXPECT_FALSE(make_hash(std::string("a\0b", 3), HashMethod::bcrypt, 4));
  EXPECT_FALSE(make_hash("a", HashMethod::bcrypt, 99));
}

TEST(Verify, ANulOrTooMuchIsNeverRight) {
  const auto empty = make_hash("", HashMethod::bcrypt, 4);
  ASSERT_TRUE(empty);
  EXPECT_TRUE(verify("", *empty));
  EXPECT_FALSE(verify(std::string("\0", 1), *empty));
  EXPECT_FALSE(verify(std::string("\0abc", 4), *empty));
  EXPECT_FALSE(verify(std::string(kPasswordBytesMax + 1, 'a'), *empty));
}

TEST(FaultOfHash, TakesOnlyWholeHashesOfStrongKinds) {
  for (const char* bad : {"", "x", "*", "!", "$1$abcdefgh$BatrLBW10KrQVjpYXejTd0", "ab01FAX.bQRSU", "$2b$10$",
                          "$2b$04$abcdefghijklmnopqrstuO7oW0DHSvmyj9.r2SAVAvUi0vYAUGV4",
                          "$2b$04$abcdefghijklmnopqrstuO7oW0DHSvmyj9.r2SAVAvUi0vYAUGV4SS",
                          "$2b$99$abcdefghijklmnopqrstuO7oW0DHSvmyj9.r2SAVAvUi0vYAUGV4S",
                          "$2b$04$abcdefghijklmnopqrstuO7oW0DHSvmyj9.r2SAVAvUi0vYAUG:4S", "$6$salt$short"}) {
    EXPECT_NE(fault_of_hash(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace holdfast::auth
