#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "base/embedded.h"
#include "collectors/engine/spec.h"

namespace pgbeacon {

extern const EmbeddedFile kCollectorFiles[];
extern const std::size_t kCollectorFilesCount;

namespace collectors {
namespace {

/// Every metric name of a collector with its type.
std::map<std::string, MetricType> MetricsOf(const Collector& collector) {
  std::map<std::string, MetricType> metrics;
  for (const Column& column : collector.columns) {
    if (!column.metric.empty()) metrics.emplace(column.metric, column.type);
    for (const CompatName& compat : column.compat) metrics.emplace(compat.name, compat.type);
  }
  return metrics;
}

}  // namespace

Result<Catalogue> Catalogue::Builtin() {
  Catalogue catalogue;
  for (const EmbeddedFile& file : std::span(kCollectorFiles, kCollectorFilesCount)) {
    Result<Collector> collector = ReadCollector(file.text, std::string(file.name));
    if (!collector) return collector.error();
    const Status added = catalogue.Add(std::move(collector).value());
    if (!added) return added.error();
  }
  return catalogue;
}

Status Catalogue::Add(Collector collector) {
  const std::map<std::string, MetricType> metrics = MetricsOf(collector);
  for (const auto& other : collectors_) {
    if (other->name == collector.name) {
      return Error(ErrorCode::kInvalid, collector.where + ": the collector name '" +
                                            collector.name + "' is taken by " + other->where);
    }
    for (const auto& [name, type] : MetricsOf(*other)) {
      const auto same = metrics.find(name);
      if (same != metrics.end() && same->second != type) {
        return Error(ErrorCode::kInvalid, collector.where + ": the metric '" + name +
                                              "' has another type in " + other->where);
      }
    }
  }
  collectors_.push_back(std::make_unique<const Collector>(std::move(collector)));
  return {};
}

const Collector* Catalogue::Find(std::string_view name) const {
  const auto own =
      std::ranges::find_if(collectors_, [&](const auto& c) { return c->name == name; });
  if (own != collectors_.end()) return own->get();
  const auto peer = std::ranges::find_if(
      collectors_, [&](const auto& c) { return !name.empty() && c->peer == name; });
  return peer == collectors_.end() ? nullptr : peer->get();
}

}  // namespace collectors
}  // namespace pgbeacon
