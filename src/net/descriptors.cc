#include "net/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace holdfast::net {

base::Result<std::uint64_t> grow_descriptor_table() {
  constexpr std::uint64_t kTableMax = 1 << 20;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return base::system_error("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return base::system_error("setrlimit");
  const std::uint64_t size = std::min<std::uint64_t>(limit.rlim_cur, kTableMax);
  // A descriptor of the highest number makes the kernel build the whole table; it keeps it when the descriptor goes.
  const int highest = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(size - 1));
  if (highest >= 0) {
    ::close(highest);
  } else if (errno != EBADF) {  // standard input may be closed; then the table grows later, which only costs time
    return base::system_error("fcntl");
  }
  return size;
}

}  // namespace holdfast::net
