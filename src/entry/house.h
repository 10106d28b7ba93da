// entry/house.h: a role's part of one worker, to which an acceptor lets clients in.
//
// Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/peer_address.h"
#include "config/settings.h"
#include "entry/admission.h"
#include "entry/listen_socket.h"
#include "entry/refuse_reason.h"

namespace holdfast::entry {

// How a listener lets clients in at present.
struct Door {
  const Admission& admission;
  config::ProxyIn proxy_protocol = config::ProxyIn::off;
};

enum class Accepting : bool { paused, on };

class House {
 public:
  // Those of all workers and all listeners; each knows whose it is.
  [[nodiscard]] virtual std::span<const std::shared_ptr<ListenSocket>> sockets() const = 0;
  // Of a listener that has, or had, one of these sockets. Asked anew for each client.
  [[nodiscard]] virtual Door door(std::uint16_t listener) const = 0;

  // Takes over an accepted socket, its descriptors of the budget and its place among the listener's connections,
  // and its place among those of its address, if it is `placed`. Behind a door with a PROXY protocol nobody knows yet
  // who the client is: it is let in to say so (greeting.h).
  virtual void begin(int fd, const base::PeerAddress& client, std::uint16_t listener, Placed placed) = 0;
  // Somebody was not let in, and does not know it yet.
  virtual void count_refused(std::uint16_t listener, RefuseReason reason) = 0;
  // Descriptors ran short, and nobody is accepted until they are there again; or they are.
  virtual void accepting_changed(Accepting now) = 0;

 protected:
  ~House() = default;
};

}  // namespace holdfast::entry
