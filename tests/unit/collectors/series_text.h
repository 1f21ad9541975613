// Families as the lines that golden files hold: "TYPE name type", then one line per series.
#pragma once

#include <string>
#include <vector>

#include "base/families.h"
#include "base/text.h"

namespace pgbeacon::collectors {

inline std::string TypeName(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  if (type == MetricType::Histogram) return "histogram";
  return type == MetricType::Gauge ? "gauge" : "untyped";
}

/// "count 3 sum 4.5 le 1: 1 le 5: 2 le +Inf: 3".
inline std::string HistogramText(const ClientMetric::Histogram& histogram) {
  std::string text = "count " + std::to_string(histogram.sample_count) + " sum " +
                     FormatDouble(histogram.sample_sum);
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    text +=
        " le " + FormatDouble(bucket.upper_bound) + ": " + std::to_string(bucket.cumulative_count);
  }
  return text;
}

inline double ValueIn(const ClientMetric& metric, MetricType type) {
  if (type == MetricType::Counter) return metric.counter.value;
  return type == MetricType::Gauge ? metric.gauge.value : metric.untyped.value;
}

inline std::vector<std::string> SeriesText(const Families& families) {
  std::vector<std::string> lines;
  for (const Family& family : families) {
    lines.push_back("TYPE " + family.name + " " + TypeName(family.type));
    for (const ClientMetric& metric : family.metric) {
      std::vector<std::string> labels;
      for (const auto& label : metric.label)
        labels.push_back(label.name + "=\"" + label.value + "\"");
      lines.push_back(family.name + "{" + Join(labels, ",") + "} " +
                      (family.type == MetricType::Histogram
                           ? HistogramText(metric.histogram)
                           : FormatDouble(ValueIn(metric, family.type))));
    }
  }
  return lines;
}

}  // namespace pgbeacon::collectors
