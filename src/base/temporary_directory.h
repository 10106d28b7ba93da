// base/temporary_directory.h: for tests: a directory that is gone with its owner, and files in it.
//
// Thread: one owner. Errors: end the test program.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace holdfast::base {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  // In place, as an editor that does not rename.
  void write(std::string_view name, std::string_view text) const {
    std::ofstream file(path_ / name, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) std::abort();
  }
  void append(std::string_view name, std::string_view text) const {
    std::ofstream file(path_ / name, std::ios::binary | std::ios::app);
    file << text;
    if (!file.flush()) std::abort();
  }
  // As a careful program does it.
  void replace(std::string_view name, std::string_view text) const {
    write("fresh", text);
    std::filesystem::rename(path_ / "fresh", path_ / name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace holdfast::base
