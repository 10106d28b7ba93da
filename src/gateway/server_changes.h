// gateway/server_changes.h: what operators have changed by command, beside what the file and discovery say. Never in
// it: a reload can forget them, and whoever asks can see them.
//
// Thread: control. Values only: lists come in, lists go out.
// Life:   a change goes when the file says the same, when its server is no longer in the file of a pool without
//         discovery, and with forget(). A pool with discovery remembers them: a server that is drained by command and
//         leaves its list for a moment is drained when it is back.
// Limits: one entry for each server that a command has named.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "config/settings.h"
#include "gateway/server_change.h"
#include "gateway/status.h"

namespace holdfast::gateway {

// A difference between what runs and what the file says, as one line of a list.
struct RuntimeChange {
  std::string pool;
  std::string server;
  std::string what;  // "state", "weight", "max_connections", "max_accept_rate", "address", "backup", "added", "removed"
  std::string file;  // what the file (or the source of discovery) says; empty for "added"
  std::string now;   // empty for "removed"
};

// What the operator wants of a server.
struct ServerOrder {
  ServerMode mode = ServerMode::ready;
  std::optional<base::Rate> rate{};
  std::optional<config::Duration> deadline{};
  base::Time deadline_from{};  // when the command came that has set it
};

class ServerChanges {
 public:
  enum class Unlisted : std::uint8_t { forget, remember };
  using Servers = std::vector<config::Server>;

  // `listed` is the server as the file or discovery has it; null for one that was added by command.
  // Errors: malformed for a rate or a deadline of a server that is neither drained nor in maintenance.
  [[nodiscard]] base::Result<void> change(const std::string& server, const ServerChange& change,
                                          const config::Server* listed, base::Time now);
  // `listed` is set when it stands in the file but was removed by command: it is back then, with what is new about it.
  void add(const config::Server& server, const config::Server* listed);
  void remove(const std::string& server);
  // The lists have changed: what they say now is no difference any more.
  void compare(const Servers& configured, const Servers& discovered, Unlisted unlisted);
  void forget();

  // A server of a list as it is to run; nothing when it was removed.
  [[nodiscard]] std::optional<config::Server> apply(const config::Server& listed) const;
  // Those that were added by command, in the order they came.
  [[nodiscard]] const Servers& added() const noexcept { return added_; }
  [[nodiscard]] const ServerOrder& order(const std::string& server) const;
  [[nodiscard]] bool empty() const noexcept { return changed_.empty() && added_.empty(); }

  // Of one server. `listed`: as for change().
  [[nodiscard]] std::vector<Difference> differences(const std::string& server, const config::Server* listed) const;
  [[nodiscard]] std::vector<std::string> removed() const;

 private:
  struct Changed {
    ServerOrder order;
    std::optional<std::uint32_t> weight;
    std::optional<std::uint32_t> max_connections;
    std::optional<base::Rate> max_accept_rate;
    std::optional<base::Endpoint> address;
    std::optional<bool> backup;
    bool removed = false;

    [[nodiscard]] bool is_nothing() const noexcept;
    void put_on(config::Server& server) const;
    void forget_same(const config::Server& listed);
  };

  [[nodiscard]] config::Server* find_added(std::string_view server) noexcept;

  std::map<std::string, Changed, std::less<>> changed_;  // by server
  Servers added_;
};

}  // namespace holdfast::gateway
