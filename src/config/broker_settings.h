// config/broker_settings.h: the sections [broker] and [auth] as typed values; a part of settings.h.
//
// Thread: values. Keys, defaults, ranges and their documentation are in broker_section.cc and auth_section.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/cidr.h"
#include "base/units.h"

namespace holdfast::config {

using Duration = std::chrono::microseconds;

// What one client may do. [broker] says it for all of them, as plain values; a listener may say otherwise for those
// that come in there, as optional ones.
template <template <typename> class As>
struct ClientLimitsAs {
  As<base::Bytes> packet_size_max{};
  As<std::uint32_t> qos_max{};
  As<std::uint32_t> topic_levels_max{};
  As<std::uint32_t> topic_length_max{};      // bytes; of filters as well
  As<std::uint32_t> client_id_length_max{};  // bytes
  As<std::uint32_t> subscriptions_max{};     // 0: no limit
  As<std::uint32_t> inflight_max{};
  As<std::uint32_t> awaiting_rel_max{};
  As<std::uint32_t> topic_alias_max{};  // 0: none
  As<bool> wildcard_available{};
  As<bool> shared_available{};
  As<bool> exclusive_available{};
  As<bool> retain_available{};
  As<Duration> session_expiry_max{};
  As<double> keepalive_factor{};
  As<Duration> keepalive_max{};       // 0: as long as the client wants, or none
  As<base::Rate> message_rate{};      // 0: no limit
  As<std::uint32_t> message_burst{};  // 0: a second's worth
  As<base::Bytes> byte_rate{};        // a second; 0: no limit
  As<base::Bytes> byte_burst{};       // 0: a second's worth
  friend bool operator==(const ClientLimitsAs&, const ClientLimitsAs&) = default;
};

using ClientLimits = ClientLimitsAs<std::type_identity_t>;
using OwnClientLimits = ClientLimitsAs<std::optional>;

enum class Anonymous : std::uint8_t { deny, allow };

enum class WhenFull : std::uint8_t { drop_oldest, drop_newest, disconnect };

// What waits for a client that is away or slow.
struct Queue {
  std::uint32_t max_length = 0;  // 0: nothing waits
  base::Bytes max_bytes;
  bool store_qos0 = false;
  WhenFull when_full = WhenFull::drop_oldest;
  friend bool operator==(const Queue&, const Queue&) = default;
};

struct Retained {
  std::uint32_t max_messages = 0;  // 0: nothing is kept
  base::Bytes max_bytes;
  base::Bytes max_payload;
  Duration expiry{};  // 0: never
  friend bool operator==(const Retained&, const Retained&) = default;
};

// $delayed/SECONDS/TOPIC
struct Delayed {
  std::uint32_t max_messages = 0;  // 0: there is no such thing
  base::Bytes max_bytes;
  Duration max_delay{};
  friend bool operator==(const Delayed&, const Delayed&) = default;
};

enum class RewriteOf : std::uint8_t { all, publish, subscribe };

struct Rewrite {
  RewriteOf action = RewriteOf::all;
  std::string from;  // a filter
  std::string to;    // $1 to $9, %u, %c
  friend bool operator==(const Rewrite&, const Rewrite&) = default;
};

enum class WhichRetained : std::uint8_t { always, if_new, never };

struct AutoSubscribe {
  std::string filter;  // %u, %c
  std::uint32_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  WhichRetained retain_handling = WhichRetained::always;
  friend bool operator==(const AutoSubscribe&, const AutoSubscribe&) = default;
};

enum class SharedStrategy : std::uint8_t { round_robin, random, sticky, hash_client, hash_topic, least_inflight };

enum class AuthModuleKind : std::uint8_t { file };

struct AuthModule {
  AuthModuleKind module = AuthModuleKind::file;
  std::string path;
  friend bool operator==(const AuthModule&, const AuthModule&) = default;
};

enum class AclNoMatch : std::uint8_t { deny, allow };
enum class WhenDenied : std::uint8_t { ignore, disconnect };

struct AclFile {
  std::string path;
  AclNoMatch no_match = AclNoMatch::deny;
  WhenDenied when_denied = WhenDenied::ignore;
  friend bool operator==(const AclFile&, const AclFile&) = default;
};

struct Auth {
  Anonymous anonymous = Anonymous::deny;
  Duration cache_time{};  // 0: nothing is remembered
  std::uint32_t cache_max = 0;
  std::uint32_t threads = 0;
  std::uint32_t pending_max = 0;
  Duration timeout{};
  base::Rate failure_rate_per_address;  // 0: no limit
  std::uint32_t failure_burst_per_address = 0;
  std::vector<base::Cidr> failure_exempt;
  std::vector<AuthModule> chain;  // in the order in which they are asked
  std::optional<AclFile> acl;     // none: whoever is in may publish and subscribe everywhere
  friend bool operator==(const Auth&, const Auth&) = default;
};

}  // namespace holdfast::config
