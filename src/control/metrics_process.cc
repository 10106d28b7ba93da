#include "control/metrics_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace holdfast::control {
namespace {

namespace fs = std::filesystem;

// The fields of /proc/self/stat that are told; proc(5) numbers them from 1.
struct Stat {
  double user_ticks = 0;      // 14
  double system_ticks = 0;    // 15
  double threads = 0;         // 20
  double start_ticks = 0;     // 22, since boot
  double virtual_bytes = 0;   // 23
  double resident_pages = 0;  // 24
  bool read = false;
};

Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  std::istringstream after_name(line.substr(std::min(line.size(), line.rfind(')') + 1)));  // a name may have spaces
  const std::vector<std::string> fields{std::istream_iterator<std::string>(after_name), {}};
  constexpr std::size_t kFirst = 3;
  if (fields.size() <= 24 - kFirst) return {};
  const auto field = [&fields](std::size_t number) { return std::stod(fields[number - kFirst]); };
  return {field(14), field(15), field(20), field(22), field(23), field(24), true};
}

double started_at(double start_ticks) {
  std::ifstream file("/proc/uptime");
  double uptime = 0;
  file >> uptime;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double age = uptime - start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::chrono::duration<double>(now).count() - age;
}

// Without the one that the listing itself takes.
void add_descriptors(MetricsPage& page) {
  std::error_code error;
  const fs::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    page.gauge("process_open_fds", "Number of open file descriptors.")
        .add({}, static_cast<double>(std::distance(begin(open), end(open)) - 1));
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  page.gauge("process_max_fds", "Maximum number of open file descriptors.")
      .add({}, static_cast<double>(limit.rlim_cur));
}

}  // namespace

void add_process_metrics(MetricsPage& page) {
  add_descriptors(page);
  const Stat stat = read_stat();
  if (!stat.read) return;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  page.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
      .add({}, (stat.user_ticks + stat.system_ticks) / ticks);
  page.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .add({}, stat.resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  page.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.").add({}, stat.virtual_bytes);
  page.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
      .add({}, started_at(stat.start_ticks));
  page.gauge("process_threads", "Number of threads.").add({}, stat.threads);
}

}  // namespace holdfast::control
