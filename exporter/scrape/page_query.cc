#include "exporter/scrape/page_query.h"

namespace pgbeacon::scrape {
namespace {

double ValueOf(MetricType type, const ClientMetric& metric) {
  if (type == MetricType::Counter) return metric.counter.value;
  return type == MetricType::Gauge ? metric.gauge.value : metric.untyped.value;
}

}  // namespace

std::vector<double> Values(const Families& page, std::string_view family) {
  std::vector<double> values;
  for (const Family& candidate : page) {
    if (candidate.name != family) continue;
    for (const ClientMetric& metric : candidate.metric) {
      values.push_back(ValueOf(candidate.type, metric));
    }
  }
  return values;
}

std::optional<double> Value(const Families& page, std::string_view family) {
  const std::vector<double> values = Values(page, family);
  if (values.empty()) return std::nullopt;
  return values.front();
}

std::optional<std::string> LabelWhereOne(const Families& page, std::string_view family,
                                         std::string_view label) {
  for (const Family& candidate : page) {
    if (candidate.name != family) continue;
    for (const ClientMetric& metric : candidate.metric) {
      if (ValueOf(candidate.type, metric) != 1) continue;
      for (const auto& pair : metric.label) {
        if (pair.name == label) return pair.value;
      }
    }
  }
  return std::nullopt;
}

}  // namespace pgbeacon::scrape
