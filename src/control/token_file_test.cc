#include "control/token_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>

#include "base/temporary_directory.h"

namespace holdfast::control {
namespace {

class TokenFile : public testing::Test {
 protected:
  std::string write(const std::string& text, mode_t mode = 0600) {
    const std::string path = directory_ / "token";
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  // Why it is refused; "" when it is not.
  static std::string refusal_of(const std::string& path) {
    try {
      (void)read_token_file(path);
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("token file " + path + ": ")) << error.what();
      return error.what();
    }
    return "";
  }

  const base::TemporaryDirectory directory_;
};

TEST_F(TokenFile, IsOneLine) {
  EXPECT_EQ(read_token_file(write("abc-._~+/09Z==")), "abc-._~+/09Z==");
  EXPECT_EQ(read_token_file(write("abc\n")), "abc");
  EXPECT_EQ(read_token_file(write("abc\r\n")), "abc");
  EXPECT_EQ(read_token_file(write("abc", 0400)), "abc");
  const std::string longest(kTokenBytesMax, 'x');
  EXPECT_EQ(read_token_file(write(longest + "\n")), longest);
}

TEST_F(TokenFile, WithAnythingElseIsRefusedAndNotQuoted) {
  struct Case {
    const char* name;
    std::string text;
    const char* says;
  };
  const Case cases[] = {
      {"nothing", "", "it is empty"},
      {"an empty line", "\n", "it is empty"},
      {"two lines", "s3cret\nother", "it has more than one line"},
      {"an empty second line", "s3cret\n\n", "it has more than one line"},
      {"a space", "s3cret token", "characters that no header can carry"},
      {"a space at the end", "s3cret ", "characters that no header can carry"},
      {"a zero byte", std::string("s3cret\0", 7), "characters that no header can carry"},
      {"not ASCII", "s3cret\xc3\xa9", "characters that no header can carry"},
      {"too long", std::string(kTokenBytesMax + 1, 's'), "longer than 1024 bytes"},
      {"far too long", "s3cret" + std::string(1'000'000, 's'), "longer than 1024 bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string why = refusal_of(write(c.text));
    EXPECT_NE(why.find(c.says), std::string::npos) << why;
    EXPECT_EQ(why.find("s3cret"), std::string::npos) << why;
  }
}

TEST_F(TokenFile, IsForItsOwnerOnly) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0644U, 0777U}) {
    const std::string why = refusal_of(write("s3cret", mode));
    EXPECT_NE(why.find("others may use it (mode 0"), std::string::npos) << why;
    EXPECT_NE(why.find("chmod 600"), std::string::npos) << why;
  }
}

TEST_F(TokenFile, IsAFile) {
  EXPECT_NE(refusal_of(directory_ / "none").find("No such file or directory"), std::string::npos);
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(refusal_of(pipe).find("this is not a file"), std::string::npos) << "and does not wait for a writer";
  const std::string folder = directory_ / "folder";
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  EXPECT_NE(refusal_of(folder).find("this is not a file"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::control
