#include "load/report_parts.h"

#include <fmt/format.h>

#include <numeric>

namespace holdfast::load {
namespace {

struct Percentile {
  const char* name;
  double part;
};
constexpr std::array kPercentiles = {Percentile{"p50", 0.5}, Percentile{"p90", 0.9}, Percentile{"p99", 0.99},
                                     Percentile{"p999", 0.999}, Percentile{"max", 1.0}};

double in_microseconds(base::Duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

std::uint64_t sum_of(const Failures& failures) {
  return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
}

}  // namespace

double in_seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string latency_text(const Histogram& latency) {
  std::string line;
  for (const Percentile& p : kPercentiles) {
    line +=
        fmt::format("{}{} {:.1f} us", line.empty() ? "" : "   ", p.name, in_microseconds(latency.percentile(p.part)));
  }
  return line;
}

std::string latency_json(const Histogram& latency) {
  std::string json = fmt::format("{{\"mean\":{:.2f}", in_microseconds(latency.mean()));
  for (const Percentile& p : kPercentiles) {
    json += fmt::format(",\"{}\":{:.2f}", p.name, in_microseconds(latency.percentile(p.part)));
  }
  return json + "}";
}

std::string failures_text(const Failures& failures) {
  if (sum_of(failures) == 0) return "none";
  std::string text = fmt::format("{}", sum_of(failures));
  for (std::size_t i = 0; i < kFailures; ++i) {
    if (failures[i] > 0) text += fmt::format(", {} {}", failures[i], name(static_cast<Failure>(i)));
  }
  return text;
}

std::string failures_json(const Failures& failures) {
  std::string json = fmt::format("{{\"total\":{}", sum_of(failures));
  for (std::size_t i = 0; i < kFailures; ++i) {
    json += fmt::format(",\"{}\":{}", name(static_cast<Failure>(i)), failures[i]);
  }
  return json + "}";
}

}  // namespace holdfast::load
