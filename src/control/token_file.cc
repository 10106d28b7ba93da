#include "control/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>

#include "control/guard.h"

namespace holdfast::control {
namespace {

class File {
 public:
  // A pipe would block, and is then said to be no file.
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("token file " + path + ": " + why);
}

// Of the open file, so that it is the one that is read.
void check_mode(const std::string& path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) refuse(path, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) refuse(path, "this is not a file");
  if ((status.st_mode & 077) == 0) return;
  refuse(path, fmt::format("others may use it (mode {:04o}); chmod 600 makes it right", status.st_mode & 07777));
}

std::string read_all(const std::string& path, int fd) {
  std::string text(kTokenBytesMax + 2, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0) refuse(path, std::generic_category().message(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

std::string read_token_file(const std::string& path) {
  const File file(path);
  if (file.fd() < 0) refuse(path, std::generic_category().message(errno));
  check_mode(path, file.fd());
  std::string token = read_all(path, file.fd());
  if (token.ends_with('\n')) token.pop_back();
  if (token.ends_with('\r')) token.pop_back();
  if (token.empty()) refuse(path, "it is empty");
  if (token.find('\n') != std::string::npos) refuse(path, "it has more than one line");
  if (token.size() > kTokenBytesMax) refuse(path, fmt::format("the token is longer than {} bytes", kTokenBytesMax));
  if (!is_bearer_token(token)) {
    refuse(
        path,
        "the token has characters that no header can carry; letters, digits and -._~+/ are right, with = at the end");
  }
  return token;
}

}  // namespace holdfast::control
