// discovery/source.h: what a source of server lists hands out, and what it tells operators.
//
// Thread: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"

namespace holdfast::discovery {

// One version of a list.
struct Endpoints {
  std::vector<config::Server> servers;  // as [[pool.server]] has them, every default filled in; names are distinct
  // What the source calls it; otherwise 16 hexadecimal digits that stand for its content. For people and logs: while a
  // list is applied step by step (SourceStatus::Alarm::shrink), several lists carry the version they lead to.
  std::string version;
};

// For operators. The lists that are refused leave a trace here and in the log, nowhere else.
struct SourceStatus {
  enum class Alarm : std::uint8_t {
    none,
    unreadable,  // missing, no regular file, too large, not answering, always changing, or its text has faults
    empty,       // it can be read, but names no server
    shrink,      // it lost more than half of its servers at once, and they are removed step by step
  };

  std::string source;   // "file /etc/holdfast/brokers.json"
  std::string version;  // in use; empty when there is no list at all
  // When the version in use was applied; for a copy of an earlier run, when it was applied then. Its age.
  std::chrono::system_clock::time_point applied_at;
  std::chrono::system_clock::time_point checked_at;  // last look that found a good list; the epoch: never
  std::string error;  // why the newest state of the source is not in use; one line; empty when it is
  Alarm alarm = Alarm::none;
  bool from_disk_copy = false;      // the list in use is the last good one of an earlier run
  std::uint64_t changes_total = 0;  // lists handed out
  std::uint64_t errors_total = 0;   // errors, each counted once, however long it lasts
};

}  // namespace holdfast::discovery
