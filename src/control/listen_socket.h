// control/listen_socket.h: the listening socket of a server, from an endpoint as users write it.
//
// Thread: any; start-up and reloads only, so errors are exceptions.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/endpoint.h"

namespace holdfast::control {

// The file of a unix socket: who may write to it may connect.
struct SocketFile {
  mode_t mode = 0660;
  std::string group{};  // a name; empty: that of `user`, or of the process
  std::string user{};   // a name; empty: the user of the process
  friend bool operator==(const SocketFile&, const SocketFile&) = default;
};

// A socket that listens, does not block, and closes on exec. `name` is for the error's text:
// std::system_error "admin 127.0.0.1:9100: Address already in use". A host name is not accepted here.
// A unix socket has the mode and group of `file`, whatever the umask, before anybody can connect; one that a dead
// process left behind is replaced.
[[nodiscard]] int open_listen_socket(const std::string& name, const base::Endpoint& endpoint,
                                     const SocketFile& file = {});

// Lets other people connect to a unix socket that is there. On an error (thrown, as above) nobody can who could not
// before.
void set_socket_file(const std::string& name, const base::Endpoint& endpoint, const SocketFile& file);

// Where a socket really listens: port 0 has become a port.
[[nodiscard]] base::Endpoint local_endpoint_of(int fd);
// "127.0.0.1:50412"; "unix" for a unix socket, whose clients have no name.
[[nodiscard]] std::string peer_text_of(int fd);
// Who is at the other end, as far as one can tell: "127.0.0.1", "user 1000" of a unix socket.
[[nodiscard]] std::string peer_identity_of(int fd);

// Removes the path of a unix socket, unless another process has put its own there since.
class UnixPathOwner {
 public:
  explicit UnixPathOwner(const base::Endpoint& endpoint);  // does nothing for other kinds
  ~UnixPathOwner();
  UnixPathOwner(const UnixPathOwner&) = delete;
  UnixPathOwner& operator=(const UnixPathOwner&) = delete;

 private:
  std::string path_;
  unsigned long device_ = 0;
  unsigned long inode_ = 0;
};

}  // namespace holdfast::control
