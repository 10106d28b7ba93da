#include "control/metrics_page.h"

#include <gtest/gtest.h>

namespace holdfast::control {
namespace {

TEST(MetricsPage, IsTheTextFormat) {
  MetricsPage page;
  page.counter("holdfast_connections_total", "Connections accepted.")
      .add({{"listener", "mqtt"}}, 12)
      .add({{"listener", "ws"}, {"tls", "yes"}}, 9'007'199'254'740'991);
  page.gauge("holdfast_up", "One while it runs.").add({}, 1).add({{"half", "yes"}}, 0.5);
  page.histogram("holdfast_wait_seconds", "Waiting.")
      .add({{"pool", "a"}}, {.buckets = {{0.1, 2}, {1, 3}}, .above = 1, .sum = 4.25});
  page.counter("holdfast_connections_total", "Connections accepted.").add({{"listener", "late"}}, 0);
  EXPECT_EQ(page.text(),
            "# HELP holdfast_connections_total Connections accepted.\n"
            "# TYPE holdfast_connections_total counter\n"
            "holdfast_connections_total{listener=\"mqtt\"} 12\n"
            "holdfast_connections_total{listener=\"ws\",tls=\"yes\"} 9007199254740991\n"
            "holdfast_connections_total{listener=\"late\"} 0\n"
            "# HELP holdfast_up One while it runs.\n"
            "# TYPE holdfast_up gauge\n"
            "holdfast_up 1\n"
            "holdfast_up{half=\"yes\"} 0.5\n"
            "# HELP holdfast_wait_seconds Waiting.\n"
            "# TYPE holdfast_wait_seconds histogram\n"
            "holdfast_wait_seconds_count{pool=\"a\"} 6\n"
            "holdfast_wait_seconds_sum{pool=\"a\"} 4.25\n"
            "holdfast_wait_seconds_bucket{pool=\"a\",le=\"0.1\"} 2\n"
            "holdfast_wait_seconds_bucket{pool=\"a\",le=\"1\"} 5\n"
            "holdfast_wait_seconds_bucket{pool=\"a\",le=\"+Inf\"} 6\n");
}

TEST(MetricsPage, NoLabelCanForgeALine) {
  struct Case {
    std::string value;
    const char* want;
  };
  const Case cases[] = {
      {"a\"} 1\nforged 2", "a\\\"} 1\\nforged 2"},
      {"back\\slash", "back\\\\slash"},
      {"\xc3\xa9", "\xc3\xa9"},
      {"bad\xff", "bad?"},
  };
  for (const Case& c : cases) {
    MetricsPage page;
    page.gauge("g", "h").add({{"k", c.value}}, 1);
    EXPECT_EQ(page.text(), "# HELP g h\n# TYPE g gauge\ng{k=\"" + std::string(c.want) + "\"} 1\n");
  }
}

TEST(MetricsPage, OneNameIsOneKind) {
  MetricsPage page;
  page.counter("x", "h");
  EXPECT_DEATH(page.gauge("x", "h"), "");
}

}  // namespace
}  // namespace holdfast::control
