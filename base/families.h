// Metric families between collection and exposition: prometheus-cpp's plain data with the few
// operations that pgbeacon needs on it.
//
// Example:
//   Families page;
//   Family& up = AddFamily(page, "pg_up", MetricType::Gauge, "Whether the server answered.");
//   AddSample(up, {}, 1);
//   size_t dropped = Normalize(page);
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgbeacon {

using prometheus::ClientMetric;
using prometheus::MetricType;
using Family = prometheus::MetricFamily;
using Families = std::vector<Family>;
using Labels = std::vector<std::pair<std::string, std::string>>;

/// An empty family, for those that are filled side by side.
Family NewFamily(std::string name, MetricType type, std::string help);
/// Appends an empty family. The reference is valid until `families` grows.
Family& AddFamily(Families& families, std::string name, MetricType type, std::string help);

/// Appends one sample of a counter, gauge or untyped family; the family's type says which value is
/// set.
ClientMetric& AddSample(Family& family, Labels labels, double value);

/// Appends one histogram sample. `bounds` are the upper bounds in ascending order without +Inf,
/// `counts` the non-cumulative counts, one more than bounds (the last is above all bounds).
ClientMetric& AddHistogram(Family& family, Labels labels, const std::vector<double>& bounds,
                           const std::vector<std::uint64_t>& counts, double sum);

/// Makes one exposable page of what several sources gave: families of one name are merged (the
/// first type and help win), empty families removed, families sorted by name, and a series that
/// appears twice keeps its first value; an empty label is as good as none. Returns how many
/// duplicate samples were dropped.
std::size_t Normalize(Families& families);

/// [a-zA-Z_:][a-zA-Z0-9_:]* (Prometheus data model).
bool IsMetricName(std::string_view name);
/// [a-zA-Z_][a-zA-Z0-9_]*, not beginning with "__".
bool IsLabelName(std::string_view name);

}  // namespace pgbeacon
