// discovery/settling.h: when to read a file that somebody else may be writing: once it looked the same for a while.
//
// Thread: one owner. Pure: it is told what time it is.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.h"
#include "discovery/source_file.h"

namespace holdfast::discovery {

class Settling {
 public:
  struct Limits {
    std::chrono::milliseconds settle;    // unchanged for this long, then it is read
    std::chrono::milliseconds restless;  // as long as it changes without such a pause, it says so this late
    std::chrono::milliseconds reread;    // read again after this long, although it looks as it did
  };
  enum class Next { nothing, look_again, read, complain };

  explicit Settling(Limits limits) : limits_(limits) {}

  // What to do about a file that looks like this. After look_again and complain, the next look is due at due().
  [[nodiscard]] Next see(const FileState& state, base::Time now);
  [[nodiscard]] base::Time due() const { return seen_at_ + limits_.settle; }

  // It was read, and looked like `state` then: no need to do so again while it does.
  void settled(const FileState& state, base::Time now);
  // Reading it failed for a reason that may go away without a trace: it is read again at the next look.
  void unsettled();

 private:
  const Limits limits_;
  std::optional<FileState> seen_;  // not read yet, and since when it looks so
  base::Time seen_at_;
  std::optional<base::Time> restless_since_;
  std::optional<FileState> settled_;  // read, and when
  base::Time read_at_;
};

}  // namespace holdfast::discovery
