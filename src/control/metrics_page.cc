#include "control/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdlib>
#include <limits>
#include <sstream>
#include <unordered_map>

#include "base/utf8.h"

namespace holdfast::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric& add_metric(MetricFamily& family, const MetricLabels& labels) {
  ClientMetric& metric = family.metric.emplace_back();
  for (const MetricLabel& label : labels) {
    metric.label.push_back({std::string(label.name), base::to_utf8(std::string(label.value))});
  }
  return metric;
}

}  // namespace

struct MetricsPage::Families {
  MetricFamily& find_or_add(std::string_view name, std::string_view help, MetricType type);

  std::vector<std::unique_ptr<MetricFamily>> in_order;  // the addresses stay the same
  std::unordered_map<std::string, MetricFamily*> by_name;
};

MetricFamily& MetricsPage::Families::find_or_add(std::string_view name, std::string_view help, MetricType type) {
  MetricFamily*& family = by_name[std::string(name)];
  if (family == nullptr) {
    in_order.push_back(std::make_unique<MetricFamily>());
    family = in_order.back().get();
    *family = {std::string(name), std::string(help), type, {}};
  }
  if (family->type != type) std::abort();
  return *family;
}

MetricsPage::Values& MetricsPage::Values::add(const MetricLabels& labels, double value) {
  ClientMetric& metric = add_metric(family_, labels);
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return *this;
}

MetricsPage::Histograms& MetricsPage::Histograms::add(const MetricLabels& labels, const HistogramCounts& counts) {
  ClientMetric::Histogram& histogram = add_metric(family_, labels).histogram;
  std::uint64_t total = 0;
  for (const HistogramCounts::Bucket& bucket : counts.buckets) {
    total += bucket.count;
    histogram.bucket.push_back({total, bucket.upper_bound});
  }
  total += counts.above;
  histogram.bucket.push_back({total, std::numeric_limits<double>::infinity()});
  histogram.sample_count = total;
  histogram.sample_sum = counts.sum;
  return *this;
}

MetricsPage::MetricsPage() : families_(std::make_unique<Families>()) {}
MetricsPage::~MetricsPage() = default;

MetricsPage::Values MetricsPage::counter(std::string_view name, std::string_view help) {
  return Values(families_->find_or_add(name, help, MetricType::Counter));
}

MetricsPage::Values MetricsPage::gauge(std::string_view name, std::string_view help) {
  return Values(families_->find_or_add(name, help, MetricType::Gauge));
}

MetricsPage::Histograms MetricsPage::histogram(std::string_view name, std::string_view help) {
  return Histograms(families_->find_or_add(name, help, MetricType::Histogram));
}

std::string MetricsPage::text() const {
  std::vector<MetricFamily> families;
  families.reserve(families_->in_order.size());
  for (const auto& family : families_->in_order) families.push_back(*family);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace holdfast::control
