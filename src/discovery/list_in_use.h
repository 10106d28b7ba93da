// discovery/list_in_use.h: which list is in use and why; what the log and the operators are told about it.
//
// The same for every source: it is told what the source says, and hands out what is to be used.
//
// Thread:   one owner. Cost: a pass over the list for each that is accepted.
// Lifetime: on_change may end whoever owns this, but not before the call that called it has returned.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "discovery/last_good.h"
#include "discovery/shrink_guard.h"
#include "discovery/source.h"

namespace holdfast::discovery {

class ListInUse {
 public:
  using OnChange = std::function<void(const Endpoints&)>;

  ListInUse(std::string pool, std::string source, Shrink shrink, OnChange on_change);

  // The list of an earlier run, while there is no other.
  void use_copy(LastGood copy);
  // What the source says. True: `last_good()` is another than before. Calls on_change when the list in use changes.
  bool accept(Endpoints list);
  // The source says nothing that can be used, for this reason; the list in use stays. Logged once.
  void refuse(SourceStatus::Alarm alarm, std::string error);
  // The source still says what was last accepted.
  void confirm();

  // Between two lists that are too different; then step() is to be called every now and then. It waits while the
  // source says nothing that can be used. True as for accept().
  [[nodiscard]] bool is_shrinking() const noexcept { return guard_.kept() > 0; }
  bool step();

  [[nodiscard]] bool is_empty() const noexcept { return list_.servers.empty(); }
  [[nodiscard]] SourceStatus status() const;
  // What is in use, to be kept on disk.
  [[nodiscard]] LastGood last_good() const { return {status_.source, list_, status_.applied_at}; }

 private:
  bool use(Servers servers, std::string version, std::chrono::system_clock::time_point applied_at);
  void log_use(const Servers& before) const;
  [[nodiscard]] std::string shrink_text() const;

  const std::string pool_;
  const OnChange on_change_;
  ShrinkGuard guard_;
  Endpoints list_;
  SourceStatus status_;          // alarm and error: of what was refused only
  std::size_t shrunk_from_ = 0;  // servers in use when the guard stepped in
};

}  // namespace holdfast::discovery
