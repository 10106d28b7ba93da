// control/metrics_page.h: one answer to a scrape, in the Prometheus text format.
//
//   MetricsPage page;
//   page.counter("holdfast_connections_total", "Connections accepted.").add({{"listener", "mqtt"}}, 12);
//   return Response{.content_type = MetricsPage::kContentType, .body = page.text()};
//
// Thread: one owner. Cost: a copy of every name and value; made anew for each scrape.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace holdfast::control {

struct MetricLabel {
  std::string_view name;
  std::string_view value;  // any text; what is not UTF-8 becomes '?'
};
using MetricLabels = std::vector<MetricLabel>;

// Counts by upper bound, not cumulated, smallest bound first. What lies above the last bound is counted in `above`.
struct HistogramCounts {
  struct Bucket {
    double upper_bound = 0;
    std::uint64_t count = 0;
  };
  std::vector<Bucket> buckets;
  std::uint64_t above = 0;
  double sum = 0;
};

class MetricsPage {
 public:
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // A metric of one name; good until its page is destroyed. The same labels twice are the caller's error.
  class Values {
   public:
    Values& add(const MetricLabels& labels, double value);

   private:
    friend class MetricsPage;
    explicit Values(prometheus::MetricFamily& family) : family_(family) {}
    prometheus::MetricFamily& family_;
  };
  class Histograms {
   public:
    Histograms& add(const MetricLabels& labels, const HistogramCounts& counts);

   private:
    friend class MetricsPage;
    explicit Histograms(prometheus::MetricFamily& family) : family_(family) {}
    prometheus::MetricFamily& family_;
  };

  MetricsPage();
  ~MetricsPage();
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;

  // Asking for a name again yields the same metric; asking for it as another kind is a programming error.
  Values counter(std::string_view name, std::string_view help);
  Values gauge(std::string_view name, std::string_view help);
  Histograms histogram(std::string_view name, std::string_view help);

  // In the order in which the metrics were first asked for.
  [[nodiscard]] std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace holdfast::control
