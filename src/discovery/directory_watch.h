// discovery/directory_watch.h: a hint that something has changed in a directory, from inotify.
//
// Only a hint: network file systems send none, some are lost, and when the kernel has no more instances (128 a user by
// default) there are none at all; whoever watches must look by itself as well.
//
// Thread:   the control thread, but for Inotify::follow().
// Cost:     one descriptor; a callback for each batch of events.
// Lifetime: destroyed before the runtime. May be destroyed in its own callback.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "control/descriptor_watch.h"
#include "control/runtime.h"

namespace holdfast::discovery {

// The descriptor and the directory it is bound to. Shared with the thread that may block on that directory.
class Inotify {
 public:
  explicit Inotify(std::filesystem::path directory);
  ~Inotify();
  Inotify(const Inotify&) = delete;
  Inotify& operator=(const Inotify&) = delete;

  // Binds it to the directory that has the name now; call it before each look. Any thread; can block.
  void follow();
  [[nodiscard]] int fd() const noexcept { return fd_; }  // -1: there are no hints

 private:
  const std::filesystem::path directory_;
  const int fd_;
  std::mutex mutex_;
  int watch_ = -1;  // under mutex_
};

class DirectoryWatch {
 public:
  DirectoryWatch(control::Runtime& runtime, const std::filesystem::path& directory, std::function<void()> on_hint);
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  [[nodiscard]] const std::shared_ptr<Inotify>& inotify() const noexcept;

 private:
  const std::shared_ptr<Inotify> inotify_;
  std::optional<control::DescriptorWatch> watch_;  // ends before the descriptor; none: there are no hints
};

}  // namespace holdfast::discovery
