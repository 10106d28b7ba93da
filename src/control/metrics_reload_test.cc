#include "control/metrics_reload.h"

#include <gtest/gtest.h>

namespace holdfast::control {
namespace {

TEST(ReloadMetrics, TellWhatBecameOfReloads) {
  MetricsPage page;
  add_reload_metrics(page, {.applied = 3,
                            .refused = 2,
                            .newest = ReloadCounts::Newest::refused,
                            .loaded_at = std::chrono::system_clock::time_point(std::chrono::seconds{1500})});
  const std::string text = page.text();
  for (const char* line :
       {"holdfast_reloads_total{result=\"applied\"} 3\n", "holdfast_reloads_total{result=\"refused\"} 2\n",
        "holdfast_config_last_reload_success 0\n", "holdfast_config_loaded_timestamp_seconds 1500\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ReloadMetrics, TheFileOfTheStartIsASuccess) {
  MetricsPage page;
  add_reload_metrics(page, {});
  EXPECT_NE(page.text().find("holdfast_config_last_reload_success 1\n"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::control
