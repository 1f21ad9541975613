#include "exporter/scrape/namesakes.h"

#include <map>
#include <set>
#include <utility>

namespace pgbeacon::scrape {
namespace {

using collectors::Column;
using collectors::PlannedCollector;

/// A metric's name and the names of its labels.
using Metric = std::pair<std::string, std::set<std::string>>;

std::set<std::string> LabelsOf(const PlannedCollector& planned, const Column& column) {
  if (column.unlabelled) return {};
  std::set<std::string> labels(column.labels.begin(), column.labels.end());
  if (!labels.empty()) return labels;
  for (const Column* other : planned.columns) {
    if (!other->label.empty()) labels.insert(other->label);
  }
  return labels;
}

std::vector<Metric> MetricsOf(const PlannedCollector& planned) {
  std::vector<Metric> metrics;
  for (const Column* column : planned.columns) {
    if (column->metric.empty()) continue;
    const std::set<std::string> labels = LabelsOf(planned, *column);
    metrics.emplace_back(column->metric, labels);
    for (const collectors::CompatName& compat : column->compat) {
      if (!compat.versions.Contains(planned.major)) continue;
      const std::set<std::string> own(compat.labels.begin(), compat.labels.end());
      metrics.emplace_back(compat.name, own.empty() ? labels : own);
    }
  }
  return metrics;
}

}  // namespace

std::string Namesake::InWords() const {
  return "the metric " + metric + " is in the collector " + other->name +
         (other->users ? " (" + other->where + ")" : "") +
         " with the same labels: of series that are alike only one is shown, the others count in "
         "pgbeacon_series_dropped; name it otherwise, or switch one of the collectors off";
}

std::vector<Namesake> NamesakesOf(const collectors::Plan& plan) {
  std::map<Metric, const collectors::Collector*> known;
  std::vector<const PlannedCollector*> users;
  for (const PlannedCollector& planned : plan.on) {
    if (planned.collector->users) users.push_back(&planned);
  }
  if (users.empty()) return {};
  for (const PlannedCollector& planned : plan.on) {
    if (planned.collector->users) continue;
    for (Metric& metric : MetricsOf(planned)) known.emplace(std::move(metric), planned.collector);
  }
  std::vector<Namesake> namesakes;
  for (const PlannedCollector* planned : users) {
    for (const Metric& metric : MetricsOf(*planned)) {
      const collectors::Collector* const other =
          known.emplace(metric, planned->collector).first->second;
      if (other == planned->collector) continue;
      namesakes.push_back({planned->collector, other, metric.first});
    }
  }
  return namesakes;
}

}  // namespace pgbeacon::scrape
