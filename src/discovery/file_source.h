// discovery/file_source.h: a pool's servers from a file that is watched.
//
// The file is `.json` or `.toml`: {"version": ..., "servers": [{"name": ..., "address": ...}]}, with the keys, defaults
// and faults of [[pool.server]]; in TOML each is written [[servers]]. `version`, a text or a number, may be left out.
//
// Thread:    the control thread, or before Runtime::run(). What can block (the file, the copy) runs on two threads of
//            the source's own, so that a file system that hangs holds up nobody else.
// Precision: a list is handed out within a second of the change: inotify on the file's directory gives a hint, a look
//            every `poll` is the truth (it sees renames, swapped symbolic links, writes in place, network file
//            systems). A file is read once it was unchanged for `settle`: a list that is still being written can be
//            valid and short. One that is written in pieces with longer pauses must be renamed into place.
// Errors:    never an exception. One fault, an empty list, a missing file: the new state is refused as a whole, the
//            last good list stays, status() and one log line say why. An error is not an empty list.
// Shrinking: a list without more than half of the servers in use (by name and address) is handed out step by step,
//            unless `allow_shrink` is set: what is new at once, then every `shrink_step` at most a quarter of those in
//            use is removed, the first ones after one step. It goes on until the list is reached, follows the file
//            meanwhile, and waits while the file has an error. The first list of a process is believed as it is.
// Limits:    16 MiB of file, 65,535 servers, 32 brackets inside each other.
// Cost:      two threads and an inotify instance, the same whatever the size of the list; a stat() every `poll`.
// Lifetime:  destroyed before the runtime, which takes up to 0.2 s when a file system hangs. May be destroyed in its
//            own on_change.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "control/runtime.h"
#include "discovery/source.h"

namespace holdfast::discovery {

// Users get the defaults; tests are less patient.
struct FileSourceTimes {
  std::chrono::milliseconds poll{500};        // between two looks
  std::chrono::milliseconds settle{200};      // unchanged for this long, then it is read
  std::chrono::milliseconds restless{5'000};  // changing for this long without a pause is an error
  std::chrono::milliseconds reread{30'000};   // read again although it looks unchanged: clocks of disks are coarse
  std::chrono::milliseconds patience{5'000};  // how long a look, or keeping the copy, may take
  std::chrono::milliseconds shrink_step{10'000};
};

class FileSource {
 public:
  // On the control thread, whenever another list is to be used. Never with an empty list, never twice with the same.
  using OnChange = std::function<void(const Endpoints&)>;

  // `keep` is where the last good list is kept for the next start, such as DATA_DIR/discovery/POOL.json; its directory
  // is created. A copy that cannot be written is a log line and nothing else. `pool` is for the log.
  FileSource(control::Runtime& runtime, std::string pool, const config::Discovery& settings, std::filesystem::path keep,
             OnChange on_change, FileSourceTimes times = {});
  ~FileSource();
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  // Reads the file, or the copy of an earlier run when that fails; calls on_change before it returns if either has a
  // list; then watches. Call one of start() and follow(), once. Blocks for as long as the file takes to read, `settle`
  // if it was just written, and at most `patience` for each of the two.
  void start();

  enum class Copy : std::uint8_t { use, leave };
  // Instead of start(), while the process serves: nothing blocks. The file is read when it has settled; until then
  // status() has no list. When the first look finds none, the copy of an earlier run is used, or left.
  void follow(Copy copy);

  [[nodiscard]] SourceStatus status() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::discovery
