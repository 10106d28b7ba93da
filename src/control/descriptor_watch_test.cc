#include "control/descriptor_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <optional>

namespace holdfast::control {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
  ~Pipe() {
    for (const int fd : ends) ::close(fd);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void write() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  void read() const {
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  }

  std::array<int, 2> ends{};
};

TEST(DescriptorWatch, CallsForEachThatCanBeRead) {
  Runtime runtime;
  const Pipe pipe;
  int calls = 0;
  const DescriptorWatch watch(runtime.context(), pipe.ends[0], [&] {
    pipe.read();
    if (++calls == 3) return runtime.stop();
    pipe.write();
  });
  pipe.write();
  runtime.run();
  EXPECT_EQ(calls, 3);
}

TEST(DescriptorWatch, LeavesTheDescriptorOpenAndNoWaitBehind) {
  Runtime runtime;
  const Pipe pipe;
  int calls = 0;
  std::optional<DescriptorWatch> watch(std::in_place, runtime.context(), pipe.ends[0], [&] { ++calls; });
  watch.reset();
  pipe.write();
  int calls_of_the_second = 0;
  watch.emplace(runtime.context(), pipe.ends[0], [&] {
    ++calls_of_the_second;
    watch.reset();
    runtime.stop();
  });
  runtime.run();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(calls_of_the_second, 1);
  pipe.read();
}

}  // namespace
}  // namespace holdfast::control
