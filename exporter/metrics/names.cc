#include "exporter/metrics/names.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"

namespace pgbeacon::metrics {
namespace {

constexpr std::string_view kTotal = "_total";

bool IsComposite(const Family& family) {
  return family.type == MetricType::Histogram || family.type == MetricType::Summary;
}

/// What an OpenMetrics reader takes for a counter, a sum or a quantile.
bool IsCount(double value) { return value >= 0; }  // false for NaN

bool IsSoundHistogram(const ClientMetric::Histogram& histogram) {
  double bound = -1;
  std::uint64_t count = 0;
  for (const auto& bucket : histogram.bucket) {
    if (!IsCount(bucket.upper_bound) || bucket.upper_bound <= bound) return false;
    if (bucket.cumulative_count < count) return false;
    bound = bucket.upper_bound;
    count = bucket.cumulative_count;
  }
  const bool open = !std::isinf(bound);
  return IsCount(histogram.sample_sum) &&
         (open ? count <= histogram.sample_count : count == histogram.sample_count);
}

bool IsSoundSummary(const ClientMetric::Summary& summary) {
  return IsCount(summary.sample_sum) &&
         std::ranges::all_of(summary.quantile, [](const ClientMetric::Quantile& quantile) {
           return quantile.quantile >= 0 && quantile.quantile <= 1 && !(quantile.value < 0);
         });
}

/// Whether every value of the family is one that OpenMetrics allows for its type.
bool FitsOpenMetrics(const Family& family) {
  return std::ranges::all_of(family.metric, [&](const ClientMetric& metric) {
    switch (family.type) {
      case MetricType::Counter:
        return IsCount(metric.counter.value);
      case MetricType::Histogram:
        return IsSoundHistogram(metric.histogram);
      case MetricType::Summary:
        return IsSoundSummary(metric.summary);
      default:
        return true;
    }
  });
}

/// Without "_total"; empty where it does not end so.
std::string_view CounterBase(const Family& family) {
  const std::string_view name = family.name;
  return name.ends_with(kTotal) ? name.substr(0, name.size() - kTotal.size()) : std::string_view();
}

/// How many families claim each name.
class Claims {
 public:
  explicit Claims(Format format) : format_(format) {}

  void Add(const Family& family, bool plain, int by) {
    if (plain || !IsComposite(family)) {
      const std::string_view base = CounterBase(family);
      if (!plain && format_ == Format::kOpenMetrics && family.type == MetricType::Counter) {
        claims_[std::string(base)] += by;
        claims_[std::string(base) + "_created"] += by;
      }
      claims_[family.name] += by;
      return;
    }
    for (const std::string& name : CompositeNames(family)) claims_[name] += by;
  }

  bool Clashes(const Family& family) const {
    if (!IsComposite(family)) {
      const std::string base(CounterBase(family));
      return Count(base) > 1 || Count(base + "_created") > 1 || Count(family.name) > 1;
    }
    return std::ranges::any_of(CompositeNames(family),
                               [this](const std::string& name) { return Count(name) > 1; });
  }

 private:
  std::vector<std::string> CompositeNames(const Family& family) const {
    std::vector<std::string> names = {family.name, family.name + "_sum", family.name + "_count"};
    if (family.type == MetricType::Histogram) names.push_back(family.name + "_bucket");
    if (format_ == Format::kOpenMetrics) names.push_back(family.name + "_created");
    return names;
  }
  int Count(const std::string& name) const {
    const auto it = claims_.find(name);
    return it == claims_.end() ? 0 : it->second;
  }

  Format format_;
  std::unordered_map<std::string, int> claims_;
};

std::string_view TypeName(Format format, MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Untyped:
      break;
  }
  return format == Format::kOpenMetrics ? "unknown" : "untyped";
}

double ValueOf(const Family& family, const ClientMetric& metric) {
  if (family.type == MetricType::Counter) return metric.counter.value;
  return family.type == MetricType::Gauge ? metric.gauge.value : metric.untyped.value;
}

/// The series of one composite family, as untyped families appended to `out`.
void AppendSeries(const Family& family, Families& out) {
  const auto untyped = [&](std::string_view suffix) {
    Family series;
    series.name = family.name + std::string(suffix);
    series.type = MetricType::Untyped;
    series.help = family.help;
    return series;
  };
  const auto add = [](Family& series, const ClientMetric& like, double value) -> ClientMetric& {
    ClientMetric& metric = series.metric.emplace_back();
    metric.label = like.label;
    metric.timestamp_ms = like.timestamp_ms;
    metric.untyped.value = value;
    return metric;
  };
  const bool histogram = family.type == MetricType::Histogram;
  Family parts = untyped(histogram ? "_bucket" : "");
  Family sum = untyped("_sum");
  Family count = untyped("_count");
  for (const ClientMetric& metric : family.metric) {
    if (histogram) {
      const auto& buckets = metric.histogram.bucket;
      for (const auto& bucket : buckets) {
        add(parts, metric, static_cast<double>(bucket.cumulative_count))
            .label.push_back({"le", FormatDouble(bucket.upper_bound)});
      }
      if (buckets.empty() || !std::isinf(buckets.back().upper_bound)) {
        add(parts, metric, static_cast<double>(metric.histogram.sample_count))
            .label.push_back({"le", "+Inf"});
      }
    } else {
      for (const auto& quantile : metric.summary.quantile) {
        add(parts, metric, quantile.value)
            .label.push_back({"quantile", FormatDouble(quantile.quantile)});
      }
    }
    add(sum, metric, histogram ? metric.histogram.sample_sum : metric.summary.sample_sum);
    add(count, metric,
        static_cast<double>(histogram ? metric.histogram.sample_count
                                      : metric.summary.sample_count));
  }
  out.push_back(std::move(parts));
  out.push_back(std::move(sum));
  out.push_back(std::move(count));
}

void MakeUntyped(Family& family) {
  for (ClientMetric& metric : family.metric) metric.untyped.value = ValueOf(family, metric);
  family.type = MetricType::Untyped;
}

}  // namespace

std::vector<Head> NameFamilies(Format format, const Families& families,
                               std::vector<std::size_t>& split) {
  const bool open_metrics = format == Format::kOpenMetrics;
  std::vector<bool> plain(families.size());  // an OpenMetrics counter shown as unknown
  Claims claims(format);
  for (std::size_t i = 0; i < families.size(); ++i) {
    const Family& family = families[i];
    plain[i] = family.type == MetricType::Counter && open_metrics &&
               (CounterBase(family).empty() || !FitsOpenMetrics(family));
    claims.Add(family, plain[i], 1);
  }
  // Counters give way first, all that clash at once: the result does not depend on the order.
  std::vector<std::size_t> yielding;
  for (std::size_t i = 0; i < families.size(); ++i) {
    const Family& family = families[i];
    if (open_metrics && family.type == MetricType::Counter && !plain[i] && claims.Clashes(family)) {
      yielding.push_back(i);
    }
  }
  for (const std::size_t i : yielding) {
    claims.Add(families[i], false, -1);
    claims.Add(families[i], true, 1);
    plain[i] = true;
  }
  std::vector<Head> heads(families.size());
  for (std::size_t i = 0; i < families.size(); ++i) {
    const Family& family = families[i];
    heads[i] = {&family, family.name, TypeName(format, family.type)};
    if (plain[i]) heads[i].type = "unknown";
    if (IsComposite(family) &&
        (claims.Clashes(family) || (open_metrics && !FitsOpenMetrics(family)))) {
      split.push_back(i);
    } else if (open_metrics && family.type == MetricType::Counter && !plain[i]) {
      heads[i].name = CounterBase(family);
    }
  }
  return heads;
}

Families Split(const Families& families, const std::vector<std::size_t>& indices,
               std::size_t& dropped) {
  Families out;
  for (const std::size_t i : indices) AppendSeries(families[i], out);
  std::unordered_set<std::string_view> names;
  std::vector<std::string> copies;
  copies.reserve(out.size());
  for (const Family& series : out) names.insert(copies.emplace_back(series.name));
  for (std::size_t i = 0; i < families.size(); ++i) {
    if (std::ranges::binary_search(indices, i)) continue;
    Family& copy = out.emplace_back(families[i]);
    if (names.contains(copy.name) && !IsComposite(copy)) MakeUntyped(copy);
  }
  dropped += Normalize(out);
  return out;
}

}  // namespace pgbeacon::metrics
