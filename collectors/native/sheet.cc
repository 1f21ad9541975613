#include "collectors/native/sheet.h"

#include <cmath>

namespace pgbeacon::collectors {

void Sheet::Add(const Metric& metric, const Labels& labels, double value) {
  const bool senseless = !std::isfinite(value) || (metric.type == MetricType::Counter && value < 0);
  if (senseless || series_ == limit_) {
    ++dropped_;
    return;
  }
  ++series_;
  const auto [found, is_new] = index_.try_emplace(metric.name, families_.size());
  if (is_new) AddFamily(families_, metric.name, metric.type, metric.help);
  AddSample(families_[found->second], labels, value);
}

}  // namespace pgbeacon::collectors
