#include "control/readiness.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/temporary_directory.h"

namespace holdfast::control {
namespace {

// The service manager's end.
class NotifySocket {
 public:
  NotifySocket() : path_(directory_ / "notify") {
    sockaddr_un address{AF_UNIX, {}};
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  }
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(fd_);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  std::string read() const {
    std::string text(4096, '\0');
    const ssize_t size = ::recv(fd_, text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

 private:
  base::TemporaryDirectory directory_;
  std::string path_;
  int fd_;
};

TEST(Readiness, TellsTheServiceManager) {
  const NotifySocket manager;
  notify_ready();
  EXPECT_EQ(manager.read(), "READY=1");
  notify_reloading();
  EXPECT_TRUE(manager.read().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notify_stopping();
  EXPECT_EQ(manager.read(), "STOPPING=1");
}

TEST(Readiness, IsNothingWithoutAServiceManager) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready();
  ::setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
  notify_stopping();
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace holdfast::control
