#include "control/listen_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "control/socket_address.h"

namespace holdfast::control {
namespace {

using base::Endpoint;

// A socket file that nobody listens on refuses connections; a living one is left alone.
void remove_if_dead(SocketAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  const bool dead = ::connect(fd, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  struct stat status {};
  const char* const path = address.local.sun_path;
  if (dead && ::lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path);
  ::close(fd);
}

// Whose a socket file becomes; the default is what chown() leaves as it is.
struct Owner {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

[[noreturn]] void fail_lookup(int error, const std::string& where, const char* kind, const std::string& name) {
  const std::string what = where + ": " + kind + " \"" + name + "\"";
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
  throw std::runtime_error(what + ": there is no such " + kind);
}

// Throws when there is no such user or group, or a lookup fails.
Owner owner_of(const std::string& where, const SocketFile& file) {
  std::vector<char> space(16 * 1024);
  Owner owner;
  if (!file.user.empty()) {
    struct passwd entry {};
    struct passwd* found = nullptr;
    const int error = ::getpwnam_r(file.user.c_str(), &entry, space.data(), space.size(), &found);
    if (found == nullptr) fail_lookup(error, where, "user", file.user);
    owner = {found->pw_uid, found->pw_gid};
  }
  if (!file.group.empty()) {
    struct group entry {};
    struct group* found = nullptr;
    const int error = ::getgrnam_r(file.group.c_str(), &entry, space.data(), space.size(), &found);
    if (found == nullptr) fail_lookup(error, where, "group", file.group);
    owner.group = found->gr_gid;
  }
  return owner;
}

// First whose it is: the mode may let in everybody who is in the group.
bool give(const char* path, const Owner& owner, mode_t mode) {
  const bool changes = owner.user != Owner().user || owner.group != Owner().group;
  return (!changes || ::lchown(path, owner.user, owner.group) == 0) && ::chmod(path, mode) == 0;
}

// Between bind() and listen() nobody can connect, so the path never lets in anybody that it should not.
bool bind_path(int fd, SocketAddress& address, mode_t mode, const Owner& owner) {
  remove_if_dead(address);
  const char* const path = address.local.sun_path;
  if (::fchmod(fd, 0600) != 0 || ::bind(fd, address.get(), address.length) != 0) return false;
  if (give(path, owner, mode)) return true;
  const int error = errno;
  ::unlink(path);
  errno = error;
  return false;
}

bool bind_address(int fd, SocketAddress& address) {
  const int on = 1;
  return ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         ::bind(fd, address.get(), address.length) == 0;
}

}  // namespace

int open_listen_socket(const std::string& name, const Endpoint& endpoint, const SocketFile& file) {
  const std::string where = name + " " + endpoint.text();
  SocketAddress address = address_of(endpoint);
  const bool is_path = endpoint.kind == Endpoint::Kind::unix_path;
  const Owner owner = is_path ? owner_of(where, file) : Owner();
  errno = EADDRNOTAVAIL;  // when there is no address to begin with
  const int fd =
      address.length == 0 ? -1 : ::socket(address.any.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool bound = fd >= 0 && (is_path ? bind_path(fd, address, file.mode, owner) : bind_address(fd, address));
  if (bound && ::listen(fd, SOMAXCONN) == 0) return fd;
  const std::system_error error(errno, std::generic_category(), where);
  if (fd >= 0) ::close(fd);
  throw error;
}

void set_socket_file(const std::string& name, const Endpoint& endpoint, const SocketFile& file) {
  const std::string where = name + " " + endpoint.text();
  const char* const path = endpoint.host.c_str();
  const Owner owner = owner_of(where, file);
  struct stat before {};
  const bool shut =
      ::stat(path, &before) == 0 && ::chmod(path, 0600) == 0;  // to none but the owner while it changes hands
  if (shut && give(path, owner, file.mode)) return;
  const std::system_error error(errno, std::generic_category(), where);
  if (shut) ::chmod(path, before.st_mode & 07777);
  throw error;
}

Endpoint local_endpoint_of(int fd) {
  SocketAddress address;
  ::getsockname(fd, address.get(), &address.length);
  return endpoint_of(address);
}

std::string peer_text_of(int fd) {
  SocketAddress address;
  if (::getpeername(fd, address.get(), &address.length) != 0) return "gone";
  return address.any.ss_family == AF_UNIX ? "unix" : endpoint_of(address).text();
}

std::string peer_identity_of(int fd) {
  SocketAddress address;
  if (::getpeername(fd, address.get(), &address.length) != 0) return "gone";
  if (address.any.ss_family != AF_UNIX) return endpoint_of(address).host;
  ucred user{};
  socklen_t length = sizeof user;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &length) != 0) return "unix";
  return "user " + std::to_string(user.uid);
}

UnixPathOwner::UnixPathOwner(const Endpoint& endpoint) {
  struct stat status {};
  if (endpoint.kind != Endpoint::Kind::unix_path || ::stat(endpoint.host.c_str(), &status) != 0) return;
  path_ = endpoint.host;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

UnixPathOwner::~UnixPathOwner() {
  struct stat status {};
  if (path_.empty() || ::stat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace holdfast::control
