#include "control/metrics_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <sstream>

namespace holdfast::control {
namespace {

double value_of(const std::string& metric) {
  MetricsPage page;
  add_process_metrics(page);
  std::istringstream text(page.text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(metric + " ")) return std::stod(line.substr(metric.size() + 1));
  }
  ADD_FAILURE() << metric << " is not on the page";
  return 0;
}

TEST(ProcessMetrics, CountDescriptorsThatAreOpen) {
  const double before = value_of("process_open_fds");
  const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(value_of("process_open_fds"), before + 1);
  ::close(one);
  EXPECT_EQ(value_of("process_open_fds"), before);
  EXPECT_GT(value_of("process_max_fds"), before);
}

TEST(ProcessMetrics, MemoryGrowsWithWhatIsTouched) {
  constexpr std::size_t kBytes = 64 << 20;
  const double before = value_of("process_resident_memory_bytes");
  std::vector<char> touched(kBytes, 'x');
  EXPECT_GE(value_of("process_resident_memory_bytes"), before + kBytes / 2.0);
  EXPECT_EQ(touched.back(), 'x');
  EXPECT_GT(value_of("process_virtual_memory_bytes"), before);
}

TEST(ProcessMetrics, ItStartedAMomentAgo) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(value_of("process_start_time_seconds"), now, 600);
  EXPECT_GE(value_of("process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of("process_threads"), 1);
}

}  // namespace
}  // namespace holdfast::control
