// Who a client is, when a balancer before us says so. The rest of Connections is in connections.cc.
#include "entry/greeting.h"
#include "broker/connections.h"

namespace holdfast::broker {

using Stage = Connection::Stage;

entry::Greeting Connections::greeting(Connection& connection) {
  const Listener& from = listener(connection);
  return {{.transport = connection.transport,
           .client = connection.client,
           .destination = destination_,
           .hangup = connection.hangup,
           .broken = connection.socket_broken},
          {*from.admission, from.settings.proxy_protocol},
          loop_.now(),
          {scratch_.get(), kScratchBytes}};
}

void Connections::greet(base::Key key, Connection& connection) {
  const bool checking = connection.stage == Stage::checking;
  obey(key, connection, checking ? greeting(connection).hear_more() : greeting(connection).hear());
}

void Connections::greeting_late(base::Key key, Connection& connection) {
  const bool checking = connection.stage == Stage::checking;
  obey(key, connection, checking ? greeting(connection).unchecked() : greeting(connection).late());
}

void Connections::obey(base::Key key, Connection& connection, const entry::Verdict& verdict) {
  using What = entry::Verdict::What;
  switch (verdict.what) {
    case What::wait: return;
    case What::check: connection.stage = Stage::checking; return arm(key.index, entry::kCheckTime);
    case What::let_in:
      connection.placed = verdict.placed;
      expect_connect(key, connection);
      return read(key, connection);
    case What::refused:
      counters(connection).refused[static_cast<std::size_t>(verdict.reason)].add();
      return close(key, connection, EndReason::proxy_refused);
    case What::probe: return close(key, connection, EndReason::probe);
    case What::reset: return close(key, connection, EndReason::client_reset);
  }
}

}  // namespace holdfast::broker
