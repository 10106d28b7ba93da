#include "discovery/source_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/result.h"
#include "base/units.h"
#include "config/parse.h"

namespace holdfast::discovery {
namespace {

using Alarm = SourceStatus::Alarm;

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec; }

FileState to_state(const struct stat& from) {
  return {
      0, from.st_mode, from.st_dev, from.st_ino, from.st_size, nanoseconds(from.st_mtim), nanoseconds(from.st_ctim)};
}

FileState state_of(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 ? to_state(found) : FileState{.error = errno};
}

// Why `state` cannot be read, or nothing.
std::string objection(const FileState& state, std::size_t bytes_max) {
  if (state.error != 0) return base::Error{base::Errc::system, base::Side::internal, state.error, "stat"}.text();
  if (S_ISDIR(state.mode)) return "it is a directory";
  if (!S_ISREG(state.mode)) return "it is no regular file";
  if (static_cast<std::uint64_t>(state.size) <= bytes_max) return "";
  return fmt::format("it is too large; at most {} are read", base::to_text(base::Bytes{bytes_max}));
}

// At most one byte more than `bytes_max`.
base::Result<std::string> read_all(int fd, std::size_t bytes_max) {
  std::string text;
  while (text.size() <= bytes_max) {
    const std::size_t before = text.size();
    text.resize(before + std::min(kBlockBytes, bytes_max + 1 - before));
    const ssize_t count = ::read(fd, text.data() + before, text.size() - before);
    if (count < 0 && errno != EINTR) return base::system_error("read");
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
  }
  return text;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

SourceText refused(Alarm alarm, std::string error, const FileState& state) {
  return {{}, alarm, std::move(error), true, state};
}

}  // namespace

FileState look_at(const std::filesystem::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? to_state(found) : FileState{.error = errno};
}

FileText read_regular_file(const std::filesystem::path& path, std::size_t bytes_max) {
  const FileState before = look_at(path);
  if (std::string error = objection(before, bytes_max); !error.empty()) return {std::nullopt, std::move(error), before};
  // Opening can have effects of its own on what is no regular file; should it have become one meanwhile, we do not
  // wait.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return {std::nullopt, base::system_error("open").text(), before};
  const FileState opened = state_of(file.get());
  if (std::string error = objection(opened, bytes_max); !error.empty()) return {std::nullopt, std::move(error), opened};
  auto text = read_all(file.get(), bytes_max);
  if (!text) return {std::nullopt, text.error().text(), opened};
  const FileState after = state_of(file.get());
  if (after != opened || text->size() != static_cast<std::size_t>(after.size)) {
    return {std::nullopt, "it changed while it was read", after};
  }
  return {std::move(*text), "", after};
}

SourceText read_source(const std::filesystem::path& path) {
  const auto format = format_of(path);
  if (!format) return refused(Alarm::unreadable, "its name ends neither in .json nor in .toml", look_at(path));
  const FileText file = read_regular_file(path, config::kTextBytesMax);
  if (!file.text) return {{}, Alarm::unreadable, "cannot be read (" + file.error + ")", false, file.state};
  if (is_blank(*file.text)) return refused(Alarm::empty, "the file is empty", file.state);
  ServerListText read = read_server_list(*file.text, *format, path.native());
  if (!read.list) return refused(Alarm::unreadable, summary(read.faults), file.state);
  if (read.list->servers.empty()) return refused(Alarm::empty, "the list has no servers", file.state);
  return {std::move(*read.list), Alarm::none, "", true, file.state};
}

}  // namespace holdfast::discovery
