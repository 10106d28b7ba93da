// entry/listening.h: where one listener listens, over every change of its addresses.
//
// Thread: control; workers read what has been published, and the two fields of ListenSocket that are written here are
//         written before. A change is planned (bind_planner.h), which is all that can fail, and then made: first
//         hand_over() by every listener that gives something up to another, then adopt() by every listener.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "entry/binds.h"

namespace holdfast::entry {

// An address that a listener is to have.
struct PlannedBind {
  enum class How : std::uint8_t { kept, handed_on, opened };
  How how = How::kept;
  Bind bind;              // kept: only the sockets for workers that come
  std::string from = {};  // handed_on: by which listener
};

class Listening {
 public:
  [[nodiscard]] const std::vector<Bind>& binds() const noexcept { return binds_; }

  // Workers leave the queue of what goes to another listener as it is.
  void hand_over(PlannedBind& planned);
  // What was planned, and nothing else from now on, for the listener of this number. New addresses are open before old
  // ones close: the workers see both changes in one version, and begin with what is new.
  void adopt(std::vector<PlannedBind> planned, std::uint16_t listener, net::TcpOptions options);
  // Gives up listening: workers let go of the sockets when they see the next version.
  void stop();

  // Whether a worker may still accept something for it, though it has given up listening.
  [[nodiscard]] bool is_closing();
  // The sockets that were given up and that workers still have.
  [[nodiscard]] std::vector<std::shared_ptr<ListenSocket>> given_up() const;

 private:
  std::vector<Bind> binds_;
  net::TcpOptions options_;                            // of these
  std::vector<std::weak_ptr<ListenSocket>> given_up_;  // while workers still have them
};

}  // namespace holdfast::entry
