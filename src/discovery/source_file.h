// discovery/source_file.h: looking at a file that somebody else writes, and reading it.
//
// Thread: any; everything here can block on a network file system. Nothing here waits for a FIFO or a device: what is
//         no regular file is not opened.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include "discovery/server_list.h"
#include "discovery/source.h"

namespace holdfast::discovery {

// What stat() says of a file, behind all symbolic links. Two that are equal are taken for the same content.
struct FileState {
  int error = 0;  // errno; everything else is then 0
  mode_t mode = 0;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};
[[nodiscard]] FileState look_at(const std::filesystem::path& path);

struct FileText {
  std::optional<std::string> text;
  std::string error;  // why there is none: "open: Permission denied"
  FileState state;    // after the last byte
};
// A regular file of at most `bytes_max`.
[[nodiscard]] FileText read_regular_file(const std::filesystem::path& path, std::size_t bytes_max);

// A source as it was read.
struct SourceText {
  Endpoints list;  // of use when there is no alarm
  SourceStatus::Alarm alarm = SourceStatus::Alarm::none;
  std::string error;      // one line
  bool is_final = false;  // the same file will give the same; otherwise it is worth another try
  FileState state;
};
[[nodiscard]] SourceText read_source(const std::filesystem::path& path);

}  // namespace holdfast::discovery
