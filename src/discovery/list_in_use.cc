#include "discovery/list_in_use.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "base/log.h"

namespace holdfast::discovery {
namespace {

using Alarm = SourceStatus::Alarm;
using std::chrono::system_clock;

std::int64_t number(std::size_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

ListInUse::ListInUse(std::string pool, std::string source, Shrink shrink, OnChange on_change)
    : pool_(std::move(pool)), on_change_(std::move(on_change)), guard_(shrink) {
  status_.source = std::move(source);
}

void ListInUse::use_copy(LastGood copy) {
  base::log_warning("the list of servers of an earlier run is used",
                    {{"pool", pool_}, {"source", status_.source}, {"kept_from", copy.source}});
  status_.from_disk_copy = true;
  use(guard_.aim({}, std::move(copy.list.servers)), std::move(copy.list.version), copy.applied_at);
}

bool ListInUse::accept(Endpoints list) {
  const bool was_refused = !status_.error.empty();
  confirm();
  if (was_refused) base::log_info("the source of servers is good", {{"pool", pool_}, {"source", status_.source}});
  const bool was_copy = std::exchange(status_.from_disk_copy, false);
  const bool was_shrinking = is_shrinking();
  const std::size_t before = list_.servers.size();
  Servers servers = guard_.aim(list_.servers, std::move(list.servers));
  if (is_shrinking() && !was_shrinking) {
    shrunk_from_ = before;
    base::log_warning("more than half of the servers are gone at once; they are removed step by step",
                      {{"pool", pool_},
                       {"source", status_.source},
                       {"version", list.version},
                       {"servers", number(before)},
                       {"gone", number(guard_.kept())}});
  }
  return use(std::move(servers), std::move(list.version), system_clock::now()) || was_copy;
}

void ListInUse::refuse(Alarm alarm, std::string error) {
  status_.alarm = alarm;
  if (error == status_.error) return;
  status_.error = std::move(error);
  ++status_.errors_total;
  base::log_error("the source of servers is refused, the last good list stays",
                  {{"pool", pool_},
                   {"source", status_.source},
                   {"error", status_.error},
                   {"version", status_.version},
                   {"servers", number(list_.servers.size())}});
}

void ListInUse::confirm() {
  status_.checked_at = system_clock::now();
  status_.alarm = Alarm::none;
  status_.error.clear();
}

bool ListInUse::step() {
  if (!is_shrinking() || !status_.error.empty()) return false;
  return use(guard_.step(), list_.version, system_clock::now());
}

SourceStatus ListInUse::status() const {
  SourceStatus status = status_;
  if (!is_shrinking()) return status;
  if (status.alarm == Alarm::none) status.alarm = Alarm::shrink;
  status.error += (status.error.empty() ? "" : "; moreover, ") + shrink_text();
  return status;
}

std::string ListInUse::shrink_text() const {
  return fmt::format("more than half of {} servers went at once; {} of those in use are still to be removed",
                     shrunk_from_, guard_.kept());
}

// The last thing that its callers do: on_change may end them.
bool ListInUse::use(Servers servers, std::string version, system_clock::time_point applied_at) {
  const bool same_servers = servers == list_.servers;
  if (same_servers && version == list_.version) return false;
  const Servers before = std::exchange(list_.servers, std::move(servers));
  list_.version = std::move(version);
  status_.version = list_.version;
  status_.applied_at = applied_at;
  if (same_servers) return true;
  ++status_.changes_total;
  log_use(before);
  on_change_(list_);
  return true;
}

void ListInUse::log_use(const Servers& before) const {
  std::unordered_map<std::string, const config::Server*> old;
  for (const config::Server& server : before) old.emplace(identity(server), &server);
  std::size_t added = 0;
  std::size_t changed = 0;
  for (const config::Server& server : list_.servers) {
    const auto found = old.find(identity(server));
    if (found == old.end()) {
      ++added;
    } else if (*found->second != server) {
      ++changed;
    }
  }
  const std::size_t stayed = list_.servers.size() - added;
  base::log_info("list of servers applied", {{"pool", pool_},
                                             {"source", status_.source},
                                             {"version", status_.version},
                                             {"servers", number(list_.servers.size())},
                                             {"added", number(added)},
                                             {"removed", number(before.size() - stayed)},
                                             {"changed", number(changed)}});
}

}  // namespace holdfast::discovery
