// config/sections.h: the sections of the file that have a source file of their own. schema.cc puts them together.
//
// Each is a table of rows: the key, what may stand there, the field it fills, what it is when left out, how a
// reload brings it, its effect.
// Thread: immutable once made.
#pragma once

#include <chrono>

#include "config/settings.h"
#include "config/tables.h"

namespace holdfast::config {

inline constexpr std::chrono::hours kDay{24};
inline constexpr base::Rate kRateMin{1.0 / 3600};
inline constexpr base::Rate kRateMax{1e6};
inline constexpr std::uint32_t kConnectionsMax = 16'000'000;

inline constexpr Applies kLive = Applies::live;
inline constexpr Applies kNewConnections = Applies::new_connections;
inline constexpr Applies kRestart = Applies::restart;
// Of a name: what is called otherwise is compared with nothing.
inline const Reload kAnother{"it is another one", [](const Value&, const Value&) { return Applies::live; }};

[[nodiscard]] Table<Node> node_section();
[[nodiscard]] Table<Log> log_section();
[[nodiscard]] Table<Admin> admin_section();
// The keys that the sections of all listeners have: their name and place; who is let in; the connections' TCP options.
[[nodiscard]] std::vector<Key<Entrance>> entrance_place();
[[nodiscard]] std::vector<Key<Entrance>> entrance_limits();
[[nodiscard]] std::vector<Key<Entrance>> entrance_tcp();
[[nodiscard]] Table<Listener> listener_section();
[[nodiscard]] Table<Broker> broker_section();
// What a client may do: in [broker] for all, with defaults; in [[broker.listener]] for those that come in there.
[[nodiscard]] std::vector<Key<ClientLimits>> client_limits();
[[nodiscard]] std::vector<Key<OwnClientLimits>> own_client_limits();
[[nodiscard]] Table<Auth> auth_section();
[[nodiscard]] Table<Health> health_section();
[[nodiscard]] Table<Pool> pool_section();
[[nodiscard]] Table<Server> server_section();
// Its keys that can be changed by command as well.
[[nodiscard]] Kind<std::uint32_t> server_weight();
[[nodiscard]] Kind<std::uint32_t> server_max_connections();
[[nodiscard]] Kind<base::Rate> server_max_accept_rate();

}  // namespace holdfast::config
